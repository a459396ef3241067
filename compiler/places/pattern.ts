/**
 * Patterns over names: `*` stands for any characters (dots too), `?` for one, `{a,b}` for alternatives; the whole name
 * must match. In: the text of a pattern. Out: a matcher, or what is wrong with the text.
 *
 * Alternatives are written out into plain globs, and a plain glob is matched by going back to the latest `*` only: time
 * is at most (pattern length * name length) for every text, so a recipe from a stranger cannot stall the compiler.
 */

export interface Pattern {
  readonly ok: true;
  readonly text: string;
  /** Whether the whole name matches. */
  matches(name: string): boolean;
}

/** `message` says what was expected and found; `at` is the offset in the pattern's text. */
export interface PatternError {
  readonly ok: false;
  readonly text: string;
  readonly message: string;
  readonly at: number;
}

const MOST_ALTERNATIVES = 1024;
const MOST_REMEMBERED = 1000;

const remembered = new Map<string, Pattern | PatternError>();

/** Compiles a pattern; the result is remembered by its text. */
export function compilePattern(text: string): Pattern | PatternError {
  const known = remembered.get(text);
  if (known !== undefined) return known;
  const compiled = compile(text);
  if (remembered.size >= MOST_REMEMBERED) remembered.clear();
  remembered.set(text, compiled);
  return compiled;
}

/** Whether `name` matches; an invalid pattern matches nothing (compilePattern says why). */
export function matchPattern(pattern: string, name: string): boolean {
  const compiled = compilePattern(pattern);
  return compiled.ok && compiled.matches(name);
}

function compile(text: string): Pattern | PatternError {
  const wrong = (message: string, at: number): PatternError => ({ ok: false, text, message, at });
  if (text === "") return wrong("the pattern is empty; it matches no name", 0);
  const globs = alternatives(text);
  if (!Array.isArray(globs)) return wrong(globs.message, globs.at);
  return { ok: true, text, matches: (name) => globs.some((glob) => matchGlob(glob, name)) };
}

/** A group that is still open: the texts before it, the alternatives read so far, and the one being read. */
interface Group {
  readonly before: readonly string[];
  readonly at: number;
  done: string[];
}

/** All plain globs that a pattern with braces stands for. */
function alternatives(text: string): string[] | { message: string; at: number } {
  const open: Group[] = [];
  let current = [""];
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    const group = open[open.length - 1];
    if (c === "{") {
      open.push({ before: current, at: i, done: [] });
      current = [""];
    } else if (c === "," && group !== undefined) {
      group.done = [...group.done, ...current];
      current = [""];
    } else if (c === "}") {
      if (group === undefined) return { message: "`}` closes nothing: no `{` stands before it", at: i };
      if (text[i - 1] === "{") return { message: "`{}` lists no alternatives", at: group.at };
      open.pop();
      const options = [...group.done, ...current];
      if (group.before.length * options.length > MOST_ALTERNATIVES)
        return { message: `the braces stand for more than ${MOST_ALTERNATIVES} alternatives`, at: group.at };
      current = group.before.flatMap((before) => options.map((option) => before + option));
    } else {
      current = current.map((t) => t + c);
    }
  }
  const unclosed = open[open.length - 1];
  if (unclosed !== undefined)
    return { message: "`{` is not closed: expected `}` after the alternatives", at: unclosed.at };
  return current;
}

/** Matches a glob of characters, `?` and `*`. */
function matchGlob(glob: string, name: string): boolean {
  let g = 0;
  let n = 0;
  let star = -1;
  let resume = 0;
  while (n < name.length) {
    if (glob[g] === "*") {
      star = g++;
      resume = n;
    } else if (g < glob.length && (glob[g] === "?" || glob[g] === name[n])) {
      g++;
      n++;
    } else if (star >= 0) {
      g = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (glob[g] === "*") g++;
  return g === glob.length;
}

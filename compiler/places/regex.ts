/**
 * Regular expressions over module paths, as adapter files have them: `.*layers\.0\..*\.(k_proj|up_proj)`. In: the text of
 * an expression. Out: a matcher of whole names, or what is wrong with the text.
 *
 * The part of Python's syntax that such files use: literals, `.`, classes, groups, `|`, repetition, `^` and `$`. A match
 * carries the set of all places that each part can end at, with a bound on the work, so that a hostile expression fails
 * and does not stall. Source: docs.python.org/3/library/re.
 */

export interface Regex {
  readonly ok: true;
  readonly text: string;
  /** Whether the whole name matches. */
  matches(name: string): boolean;
}

export interface RegexError {
  readonly ok: false;
  readonly text: string;
  /** What was expected and found. */
  readonly message: string;
}

type Node =
  | { readonly kind: "one"; readonly test: (char: string) => boolean }
  | { readonly kind: "start" | "end" }
  | { readonly kind: "sequence" | "choice"; readonly parts: readonly Node[] }
  | { readonly kind: "repeat"; readonly part: Node; readonly least: number; readonly most: number };

const longest = 2000;
const deepest = 40;
const mostWork = 2_000_000;
const mostRepeats = 1000;

class RegexProblem extends Error {}

/** Reads an expression. */
export function compileRegex(text: string): Regex | RegexError {
  try {
    const node = parse(text);
    return { ok: true, text, matches: (name) => matchesWhole(node, name) };
  } catch (error) {
    if (!(error instanceof RegexProblem)) throw error;
    return { ok: false, text, message: error.message };
  }
}

/** Every place at which `node` can end when it begins at one of `starts`; false as a whole when that is too much work. */
function matchesWhole(node: Node, name: string): boolean {
  let work = 0;
  const ends = (n: Node, starts: ReadonlySet<number>): ReadonlySet<number> => {
    work += starts.size + 1;
    if (work > mostWork) return new Set();
    switch (n.kind) {
      case "one":
        return new Set([...starts].filter((at) => at < name.length && n.test(name[at])).map((at) => at + 1));
      case "start":
        return new Set([...starts].filter((at) => at === 0));
      case "end":
        return new Set([...starts].filter((at) => at === name.length));
      case "sequence":
        return n.parts.reduce((at, part) => ends(part, at), starts);
      case "choice":
        return new Set(n.parts.flatMap((part) => [...ends(part, starts)]));
      case "repeat":
        return repeated(n, starts);
    }
  };
  const repeated = (n: Node & { kind: "repeat" }, starts: ReadonlySet<number>): ReadonlySet<number> => {
    let at = starts;
    for (let i = 0; i < n.least && at.size > 0; i++) at = ends(n.part, at);
    const all = new Set(at);
    for (let i = n.least; i < n.most && at.size > 0; i++) {
      at = new Set([...ends(n.part, at)].filter((place) => !all.has(place)));
      for (const place of at) all.add(place);
    }
    return all;
  };
  return ends(node, new Set([0])).has(name.length);
}

function parse(text: string): Node {
  if (text.length > longest) throw new RegexProblem(`expected at most ${longest} characters, found ${text.length}`);
  let at = 0;
  const choice = (depth: number): Node => {
    if (depth > deepest) throw new RegexProblem(`expected groups at most ${deepest} deep`);
    const parts = [sequence(depth)];
    while (text[at] === "|") {
      at++;
      parts.push(sequence(depth));
    }
    return parts.length === 1 ? parts[0] : { kind: "choice", parts };
  };
  const sequence = (depth: number): Node => {
    const parts: Node[] = [];
    while (at < text.length && text[at] !== "|" && text[at] !== ")") parts.push(repetition(depth));
    return { kind: "sequence", parts };
  };
  const repetition = (depth: number): Node => {
    const part = atom(depth);
    const found = /^(?:[*+?]|\{(\d*)(,?)(\d*)\})\??/.exec(text.slice(at, at + 20));
    if (found === null || found[0] === "{}" || found[0] === "{,}") return part;
    at += found[0].length;
    if (/^[*+?{]/.test(text.slice(at, at + 1))) throw new RegexProblem(`expected one repetition, found more at ${at}`);
    const sign = found[0][0];
    const least = sign === "{" ? Number(found[1]) : sign === "+" ? 1 : 0;
    const open = sign === "{" ? found[2] === "," && found[3] === "" : sign !== "?";
    const most = open ? Number.POSITIVE_INFINITY : sign === "?" ? 1 : Number(found[3] || found[1]);
    if (least > mostRepeats || most < least) throw new RegexProblem(`the repetition ${found[0]} makes no sense`);
    return { kind: "repeat", part, least, most };
  };
  const atom = (depth: number): Node => {
    const char = text[at++];
    switch (char) {
      case "(":
        return group(depth);
      case "[":
        return { kind: "one", test: characterClass() };
      case ".":
        return { kind: "one", test: (c) => c !== "\n" };
      case "^":
        return { kind: "start" };
      case "$":
        return { kind: "end" };
      case "\\":
        return { kind: "one", test: escaped() };
      case "*":
      case "+":
      case "?":
        throw new RegexProblem(`expected something to repeat before ${char} at ${at - 1}`);
      default:
        return { kind: "one", test: (c) => c === char };
    }
  };
  const group = (depth: number): Node => {
    if (text.startsWith("?:", at)) at += 2;
    else if (text[at] === "?") throw new RegexProblem(`groups that begin with (${text.slice(at, at + 2)} are not read`);
    const inside = choice(depth + 1);
    if (text[at++] !== ")") throw new RegexProblem("expected ) at the end of a group");
    return inside;
  };
  const escaped = (): ((c: string) => boolean) => {
    const char = text[at++];
    if (char === undefined) throw new RegexProblem("expected a character after the last \\");
    const known = classes.get(char.toLowerCase());
    if (known !== undefined) return char === char.toLowerCase() ? known : (c) => !known(c);
    if (/[A-Za-z0-9]/.test(char)) throw new RegexProblem(`the escape \\${char} is not read`);
    return (c) => c === char;
  };
  const characterClass = (): ((c: string) => boolean) => {
    const negated = text[at] === "^";
    if (negated) at++;
    const tests: ((c: string) => boolean)[] = [];
    while (at < text.length && (text[at] !== "]" || tests.length === 0)) {
      if (text[at] === "\\") {
        at++;
        tests.push(escaped());
        continue;
      }
      const low = text[at++];
      if (text[at] === "-" && at + 1 < text.length && text[at + 1] !== "]") {
        const high = text[at + 1];
        at += 2;
        tests.push((c) => c >= low && c <= high);
      } else tests.push((c) => c === low);
    }
    if (text[at++] !== "]") throw new RegexProblem("expected ] at the end of a class");
    return (c) => tests.some((test) => test(c)) !== negated;
  };
  const whole = choice(0);
  if (at < text.length) throw new RegexProblem(`expected the end, found ${text[at]} at ${at}`);
  return whole;
}

const classes: ReadonlyMap<string, (c: string) => boolean> = new Map([
  ["d", (c: string) => /^\d$/.test(c)],
  ["w", (c: string) => /^\w$/.test(c)],
  ["s", (c: string) => /^\s$/.test(c)],
]);

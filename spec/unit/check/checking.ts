/**
 * Running the checker on a text: what it finds, as lines `CODE text-under-the-primary-label`, and types by name.
 */
import { type CheckResult, check, showType } from "../../../compiler/check/index.js";
import { type Diagnostic, type File, parse, type Use } from "../../../grammar/index.js";

/** A small library that texts may `use` as std.merge, in two files. */
const library: ReadonlyMap<string, string> = new Map([
  [
    "std/keep.peft",
    "def keep_largest(x: Delta[*s], density: Fraction, over: Scope = tensor) -> Delta[*s] = where(rank(abs(x), over) < floor(density * size(x, over)), x, 0)",
  ],
  [
    "std/blend.peft",
    `use std.merge.{keep_largest}
merge blend(base: Weight[*s], experts: List[Weight[*s]], density: Fraction = 20%, lambda: Float = 1.0, agg: "mean" | "sum" = "mean", scope: Scope = tensor) -> Weight[*s] {
  let kept = [keep_largest(e - base, density, scope) for e in experts]
  return base + lambda * (if agg == "mean" then mean(kept) else sum(kept))
}`,
  ],
]);

const modules: ReadonlyMap<string, readonly string[]> = new Map([["std.merge", Array.from(library.keys())]]);

export interface Checked {
  readonly diagnostics: readonly Diagnostic[];
  readonly files: ReadonlyMap<string, File>;
  readonly result: CheckResult;
}

/** Checks texts by path, the library beside them; a quoted `use` means the path as written. */
export function checkTexts(texts: ReadonlyMap<string, string>): Checked {
  const files = new Map<string, File>();
  for (const [path, text] of Array.from(library).concat(Array.from(texts))) {
    const parsed = parse(path, text);
    if (parsed.diagnostics.length > 0) {
      throw new Error(`${path} does not parse: ${parsed.diagnostics.map((d) => d.message).join("; ")}`);
    }
    files.set(path, parsed.file);
  }
  const resolve = (_from: string, use: Use): string | readonly string[] | null => {
    if (use.from.kind === "file") {
      const path = use.from.path.parts.join("");
      return texts.has(path) ? path : null;
    }
    return modules.get(use.from.path.map((n) => n.text).join(".")) ?? null;
  };
  const result = check({ files, resolve, modules });
  return { diagnostics: result.diagnostics, files, result };
}

/** What is found in one text: `CODE underlined text`. */
export function findings(text: string): string[] {
  return checkTexts(new Map([["main.peft", text]])).diagnostics.map((d) => {
    const { file, span } = d.primary;
    const where = file === "main.peft" && span !== null ? text.slice(span.start, span.end) : file;
    return `${d.code} ${where}`;
  });
}

/** The first diagnostic of a text with its message and help, to look at wording. */
export function firstOf(text: string): Diagnostic {
  const [first] = checkTexts(new Map([["main.peft", text]])).diagnostics;
  if (first === undefined) throw new Error("nothing was found");
  return first;
}

/** The types of the lets of the first definition, by name. */
export function typesOf(text: string): Record<string, string> {
  const { files, result } = checkTexts(new Map([["main.peft", text]]));
  const [definition] = files.get("main.peft")!.definitions;
  const types: Record<string, string> = {};
  if (definition.kind === "record" || "members" in definition) return types;
  for (const s of definition.body.statements) {
    if (s.kind !== "let") continue;
    for (const b of s.bindings) {
      const type = result.typeOf(b.value);
      if (b.pattern.kind === "name") types[b.pattern.name.text] = type ? showType(type) : "missing";
    }
  }
  return types;
}

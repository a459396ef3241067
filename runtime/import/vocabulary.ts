/**
 * Which vocabulary the models of a merge get before it. In: what a mergekit file says of tokens, and the names of the models.
 * Out: the `align` that puts their tables in one order.
 */
import { fail } from "../../grammar/index.js";
import { quoted } from "./layout.js";
import type { Merge, ModelRef } from "./mergekit.js";

interface Named {
  readonly ref: ModelRef;
  readonly name: string;
  readonly key: string;
}

/** The lines, and the new names of the models. */
export function alignment(
  merge: Merge,
  models: readonly Named[],
  keyOf: (ref: ModelRef) => string,
  file: string,
): { lines: string[]; names: ReadonlyMap<string, string> } {
  const { source, tokens, multiple, span } = merge.tokens!;
  const nameOf = (ref: ModelRef) =>
    models.find((m) => m.key === keyOf(ref))?.name ??
    fail(
      "M005",
      `the model ${ref.path} is not in the merge`,
      { file, span: ref.span },
      { help: "add it to the models" },
    );
  if (source === "base" && merge.base === null)
    fail("M005", "the vocabulary of the base is asked for, and there is no base_model", { file, span });
  // The base, or else the first model, gives the order of the tokens.
  const base = merge.base === null ? models[0].name : nameOf(merge.base);
  const vocabulary = source === "union" ? quoted("union") : source === "base" ? base : nameOf(source);
  const special = tokens.map(({ token, source: from, force }) => {
    const row =
      from === null
        ? "none"
        : from.kind === "zero"
          ? quoted("zero")
          : `{ model: ${nameOf(from.model)}, token: ${from.token === null ? quoted(token) : typeof from.token === "number" ? from.token : quoted(from.token)} }`;
    return `    { token: ${quoted(token)}, row: ${row}${force ? ", force: true" : ""} },`;
  });
  const ordered = [...models].sort((a, b) => Number(b.name === base) - Number(a.name === base));
  const names = new Map(models.map((m) => [m.name, `${m.name}_aligned`]));
  const pad = multiple === null ? "" : `, multiple = ${multiple}`;
  const head = `let (${ordered.map((m) => names.get(m.name)).join(", ")}) = align([${ordered.map((m) => m.name).join(", ")}], vocabulary = ${vocabulary}`;
  const lines =
    special.length === 0 ? [`${head}${pad})`] : [`${head}${pad}, tokens = [`, ...special.map((l) => l.slice(2)), "])"];
  return { lines: [...lines, ""], names };
}

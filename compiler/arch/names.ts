/**
 * Names of tensors and modules in files and in memory. Some checkpoints are renamed when the library that adapters are
 * trained with loads them, and adapters' files then use the names in memory. In: a `model_type` and a name, of a module
 * or of anything below it. Out: the same thing's other name. Names that no rule renames are the same on both sides.
 */
import { familyOf, type Renaming } from "./families.js";

/** The name in memory of what a file calls `name`: `vit.encoder.layer.0.output.dense.weight` is `vit.layers.0.mlp.fc2.weight`. */
export function memoryName(modelType: string | null, name: string): string {
  return renamed(modelType, name, ([file, memory]) => [file, memory]);
}

/** The name in files of what memory calls `name`; undoes `memoryName`. */
export function fileName(modelType: string | null, name: string): string {
  return renamed(modelType, name, ([file, memory]) => [memory, file]);
}

function renamed(modelType: string | null, name: string, direction: (rule: Renaming) => Renaming): string {
  const family = familyOf(modelType);
  if (family === null) return name;
  const prefix = name.startsWith(family.prefix) ? family.prefix : "";
  const segments = name.slice(prefix.length).split(".");
  for (const rule of family.renamings) {
    const [from, to] = direction(rule);
    const result = replaceStart(segments, from.split("."), to.split("."));
    if (result !== null) return prefix + result.join(".");
  }
  return name;
}

/** The segments with `from` at their start replaced by `to`, numbers kept; null where `from` does not fit. */
function replaceStart(segments: readonly string[], from: readonly string[], to: readonly string[]): string[] | null {
  const numbers: string[] = [];
  for (const [i, wanted] of from.entries()) {
    const found = segments.at(i);
    if (wanted === "#" && found !== undefined && /^\d+$/.test(found)) numbers.push(found);
    else if (wanted !== found) return null;
  }
  const start = to.map((segment) => (segment === "#" ? (numbers.shift() ?? segment) : segment));
  return [...start, ...segments.slice(from.length)];
}

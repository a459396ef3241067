/**
 * A merge out of parts: one call, or a call and copies for each slice, joined by `++`. In: the parts. Out: the lines of
 * `let` statements.
 */
import { type Argument, layCall } from "./layout.js";
import type { ModelRef } from "./mergekit.js";

/** What becomes of one slice: a copy of blocks, or a call. */
export interface Part {
  /** The model whose config the part has. */
  readonly donor: ModelRef;
  readonly copy: string | null;
  readonly call: { readonly name: string; readonly args: readonly Argument[] } | null;
}

/** `let variable = …`; calls that are joined with others get names of their own. */
export function layParts(variable: string, parts: readonly Part[], name: (text: string) => string): string[] {
  const [only] = parts;
  if (parts.length === 1)
    return only.call === null
      ? [`let ${variable} = ${only.copy}`]
      : layCall(`let ${variable} = `, only.call.name, only.call.args);
  const lines: string[] = [];
  const joined = parts.map((part, i) => {
    if (part.call === null) return part.copy!;
    const own = name(`part_${i + 1}`);
    lines.push(...layCall(`let ${own} = `, part.call.name, part.call.args));
    return own;
  });
  const line = `let ${variable} = ${joined.join(" ++ ")}`;
  if (line.length <= 110) return [...lines, line];
  return [...lines, `let ${variable} =`, ...joined.map((j, i) => `  ${j}${i === joined.length - 1 ? "" : " ++"}`)];
}

/** The name of a model after its vocabulary was changed. */
export function moveInto(names: ReadonlyMap<string, string>, variable: string): string {
  return names.get(variable) ?? variable;
}

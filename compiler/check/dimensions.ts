/**
 * Names of dimensions in types inside a body: `let x: Tensor[n, h] = …`. In: a name. Out: the length it already has in
 * scope, or a new symbol that this type declares.
 */
import type { Name } from "../../grammar/index.js";
import type { Context } from "./context.js";
import { symbol } from "./polynomial.js";
import { declare, lookup, type Scope, seenFrom } from "./scope.js";
import type { Shape } from "./shape.js";
import type { DimensionNames } from "./signature.js";
import { number, tensor } from "./types.js";

/** `fresh` receives the names that the type declares. */
export function localDimensions(cx: Context, scope: Scope, fresh: Set<string> = new Set()): DimensionNames {
  return {
    lengthOf: (name) => {
      const found = lookup(scope, name.text);
      if (found !== null) return found.type.kind === "number" ? found.type.value : null;
      newName(cx, scope, name);
      fresh.add(name.text);
      return symbol(name.text);
    },
    restOf: (name): Shape => {
      const rest: Shape = [{ kind: "rest", name: name.text, reduced: null }];
      if (!cx.origins.has(`*${name.text}`)) cx.origins.set(`*${name.text}`, name.span);
      const here = seenFrom(scope, null, tensor("Tensor", rest));
      return here.kind === "tensor" ? here.shape : rest;
    },
  };
}

function newName(cx: Context, scope: Scope, name: Name): void {
  if (!cx.origins.has(name.text)) cx.origins.set(name.text, name.span);
  declare(scope, name.text, { type: number("Int", "static", symbol(name.text)), span: name.span, kind: "dimension" });
}

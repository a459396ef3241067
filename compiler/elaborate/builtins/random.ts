/**
 * Random draws. The key of a draw is made of the seed of the recipe, the place, and the path of bindings from the recipe
 * down to the draw (with the indices of comprehensions, folds and calls), so that moving lines changes nothing.
 * `purpose` replaces the path, `seed` everything but the element's index, `over = model` drops the place. Each step of a
 * running loop draws anew, unless `seed` is given.
 */
import type { Span } from "../../../grammar/index.js";
import { permutationIndices } from "../../dataset/index.js";
import { type Context, numbered, stop } from "../context.js";
import { itemsOf, staticInt } from "../evaluate.js";
import { makeNode } from "../operators.js";
import { describe, float, int, list, type TensorValue, tensor, type Value } from "../value.js";
import { type Arguments, type Builtin, tensorArg } from "./builtin.js";
import { pointwise } from "./elementwise.js";

/** Of a list that is drawn while the graph is built. */
const mostPositions = 2 ** 22;

const COMMON = ["purpose?", "seed?", "over?"];

/** FNV-1a over the UTF-8 bytes in 64 bits, then the finalizer of SplitMix64: two u32 for Philox. */
export function keyOf(parts: readonly string[]): [number, number] {
  const mask = 0xffffffffffffffffn;
  let h = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(JSON.stringify(parts))) h = ((h ^ BigInt(byte)) * 0x100000001b3n) & mask;
  h = ((h ^ (h >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
  h = ((h ^ (h >> 27n)) * 0x94d049bb133111ebn) & mask;
  h ^= h >> 31n;
  return [Number(h & 0xffffffffn), Number(h >> 32n)];
}

function drawKey(context: Context, name: string, args: Arguments): [number, number] {
  const purpose = args.values.get("purpose");
  const seed = args.values.get("seed");
  const over = args.values.get("over");
  const place =
    context.here === null || (over?.kind === "scope" && over.scope === "model") ? "" : context.here.place.name;
  const path =
    purpose?.kind === "string" ? `purpose ${purpose.value}` : `${context.frame.path}/${numbered(context, name)}`;
  context.session.draws.set(path, (context.session.draws.get(path) ?? 0) + 1);
  if (seed !== undefined && seed.kind !== "none") return keyOf(["seed", String(staticInt(context, seed, args.span))]);
  return keyOf([String(context.session.seed), place, path]);
}

function shapeOf(context: Context, value: Value, span: Span): number[] {
  if (value.kind === "tensor") return [...value.node.shape];
  if (value.kind === "number") return [staticInt(context, value, span)];
  return itemsOf(context, value, span).map((v) => staticInt(context, v, span));
}

function draw(
  context: Context,
  op: string,
  shape: readonly number[],
  args: Arguments,
  attrs: Record<string, number> = {},
): TensorValue {
  if (shape.length === 0)
    return stop(context, "H005", "a draw needs a shape with at least one axis", args.span, { help: "write [1]" });
  const seed = args.values.get("seed");
  const fixed = seed !== undefined && seed.kind !== "none";
  const steps = context.loop === null || fixed ? [] : [context.loop.draw];
  return tensor(
    makeNode(context, op, steps, { shape: [...shape], key: drawKey(context, op, args), ...attrs }, args.span),
  );
}

export const random: Readonly<Record<string, Builtin>> = {
  uniform: {
    params: ["shape", "low?", "high?", ...COMMON],
    lifts: true,
    run(context, args) {
      const { values, span } = args;
      const u = draw(context, "uniform", shapeOf(context, values.get("shape")!, span), args);
      const low = values.get("low") ?? float(0);
      const high = values.get("high") ?? float(1);
      if (low.kind === "number" && low.value === 0 && high.kind === "number" && high.value === 1) return u;
      return pointwise(
        context,
        "add",
        [low, pointwise(context, "mul", [pointwise(context, "sub", [high, low], span), u], span)],
        span,
      );
    },
  },
  normal: {
    params: ["shape", "std?", ...COMMON],
    lifts: true,
    run(context, args) {
      const { values, span } = args;
      const z = draw(context, "normal", shapeOf(context, values.get("shape")!, span), args);
      const std = values.get("std");
      return std === undefined || (std.kind === "number" && std.value === 1)
        ? z
        : pointwise(context, "mul", [std, z], span);
    },
  },
  permutation: {
    params: ["n"],
    lifts: false,
    run(context, args) {
      const n = staticInt(context, args.values.get("n")!, args.span);
      if (n < 0 || n > mostPositions)
        return stop(context, "T008", `expected a length from 0 to ${mostPositions}, found ${n}`, args.span);
      return list(Array.from(permutationIndices(n, drawKey(context, "permutation", args), 0), int));
    },
  },
  bernoulli: {
    params: ["p", "like?", "shape?", ...COMMON],
    lifts: true,
    run(context, args) {
      const { values, span } = args;
      const p = values.get("p")!;
      const like = values.get("like") ?? values.get("shape") ?? p;
      if (like.kind !== "tensor" && like.kind !== "list")
        return stop(context, "H005", `bernoulli needs a shape: p is ${describe(p)}`, span, {
          help: "write bernoulli(p, like = x) or bernoulli(p, shape = [n])",
        });
      const u = draw(context, "uniform", shapeOf(context, like, span), args);
      return pointwise(context, "lt", [u, tensorArg(context, p, span)], span);
    },
  },
  randint: {
    params: ["shape", "n", ...COMMON],
    lifts: true,
    run(context, args) {
      const n = staticInt(context, args.values.get("n")!, args.span);
      if (n < 1 || n > 2 ** 24)
        return stop(context, "T001", `randint draws from 0 <= x < n with 1 <= n <= 2^24, found n = ${n}`, args.span);
      return draw(context, "randint", shapeOf(context, args.values.get("shape")!, args.span), args, { n });
    },
  },
};

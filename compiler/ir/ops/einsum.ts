/**
 * Sums of products named by letters: "bij,bjk->bik". In: tensors and a text with one letter an axis; a letter on the
 * right is kept, the others are summed over; a letter twice in one term is its diagonal. Out: one tensor. It is
 * written with matrix products: operands are multiplied from left to right, each pair over the letters that nothing
 * after it needs, as a batch of matrices [letters of both that stay, letters of one, summed letters].
 */
import type { Attrs, Graph, Node, Shape } from "../graph.js";
import { sizeOf } from "../graph.js";
import { reshape } from "./adjoint.js";
import { type OpRow, ShapeError, showShape, type Value } from "./row.js";
import { stridesOf } from "./views.js";

interface Terms {
  readonly inputs: readonly string[];
  readonly output: string;
}

function parse(spec: string): Terms {
  const match = /^([a-zA-Z]*(?:,[a-zA-Z]*)*)->([a-zA-Z]*)$/.exec(spec);
  if (match === null) throw new ShapeError(`einsum is written as "ij,jk->ik", found "${spec}"`);
  return { inputs: match[1].split(","), output: match[2] };
}

/** The length of each letter; throws ShapeError when the text does not fit the operands. */
function lengthsOf(spec: string, { inputs, output }: Terms, shapes: readonly Shape[]): Map<string, number> {
  if (inputs.length !== shapes.length) {
    throw new ShapeError(`"${spec}" names ${inputs.length} operands, found ${shapes.length}`);
  }
  const lengths = new Map<string, number>();
  inputs.forEach((term, k) => {
    if (term.length !== shapes[k].length)
      throw new ShapeError(`${term || "no letter"} names ${term.length} axes, found ${showShape(shapes[k])}`, "axis");
    [...term].forEach((letter, axis) => {
      const known = lengths.get(letter) ?? shapes[k][axis];
      if (known !== shapes[k][axis])
        throw new ShapeError(`${letter} is ${known} and ${shapes[k][axis]} in "${spec}"`, "inner");
      lengths.set(letter, known);
    });
  });
  if (new Set(output).size !== output.length)
    throw new ShapeError(`"${spec}" names an axis of the result twice`, "axis");
  for (const letter of output) {
    if (!lengths.has(letter)) throw new ShapeError(`${letter} in the result of "${spec}" is in no operand`, "axis");
  }
  return lengths;
}

/** An intermediate tensor whose axes have different letters. */
interface Named {
  readonly node: Node;
  readonly letters: string;
}

/** Takes the diagonal of a letter that occurs twice: the elements off it are left out of a sum. */
function diagonal(g: Graph, { node, letters }: Named): Named {
  const twice = [...letters].findIndex((letter, i) => letters.indexOf(letter) < i);
  if (twice < 0) return { node, letters };
  const first = letters.indexOf(letters[twice]);
  const at = (axis: number) => g.make("iota", [], { shape: node.shape, axis });
  const on = g.make("where", [g.make("eq", [at(first), at(twice)]), node, g.constant(0, true)]);
  const sum = g.make("reduce_sum", [on], { axes: [twice] });
  return diagonal(g, { node: sum, letters: letters.slice(0, twice) + letters.slice(twice + 1) });
}

/** Sums over the letters that are not in `kept`. */
function sumOut(g: Graph, { node, letters }: Named, kept: ReadonlySet<string>): Named {
  const axes = [...letters].flatMap((letter, i) => (kept.has(letter) ? [] : [i]));
  if (axes.length === 0) return { node, letters };
  return { node: g.make("reduce_sum", [node], { axes }), letters: [...letters].filter((l) => kept.has(l)).join("") };
}

function order(g: Graph, { node, letters }: Named, wanted: string): Node {
  if (letters === wanted) return node;
  return g.make("transpose", [node], { perm: [...wanted].map((letter) => letters.indexOf(letter)) });
}

/** The product of two tensors; letters that are not in `kept` are summed over. */
function product(g: Graph, left: Named, right: Named, kept: ReadonlySet<string>, lengths: Map<string, number>): Named {
  const only = (own: string, other: string) => [...own].filter((l) => !other.includes(l)).join("");
  const a = sumOut(g, left, new Set([...kept, ...right.letters]));
  const b = sumOut(g, right, new Set([...kept, ...left.letters]));
  const shared = [...a.letters].filter((letter) => b.letters.includes(letter));
  const batch = shared.filter((letter) => kept.has(letter)).join("");
  const inner = shared.filter((letter) => !kept.has(letter)).join("");
  const [rows, columns] = [only(a.letters, b.letters), only(b.letters, a.letters)];
  const shapeOf = (letters: string): Shape => [...letters].map((letter) => lengths.get(letter)!);
  const size = (letters: string) => sizeOf(shapeOf(letters));
  const letters = batch + rows + columns;
  const [ordered, other] = [order(g, a, batch + rows + inner), order(g, b, batch + inner + columns)];
  if (inner === "" || (rows === "" && columns === "")) {
    // No matrix product: every element of one side meets few of the other.
    const wide = reshape(g, ordered, [...shapeOf(batch + rows), ...shapeOf(columns).map(() => 1), ...shapeOf(inner)]);
    const narrow = g.make("transpose", [other], {
      perm: [...(batch + columns + inner)].map((letter) => (batch + inner + columns).indexOf(letter)),
    });
    const spread = reshape(g, narrow, [...shapeOf(batch), ...shapeOf(rows).map(() => 1), ...shapeOf(columns + inner)]);
    const each = { node: g.make("mul", [wide, spread]), letters: letters + inner };
    return sumOut(g, each, new Set(letters));
  }
  const matrices = reshape(g, ordered, [size(batch), size(rows), size(inner)]);
  const others = reshape(g, other, [size(batch), size(inner), size(columns)]);
  return { node: reshape(g, g.make("matmul", [matrices, others]), shapeOf(letters)), letters };
}

function expandEinsum(g: Graph, args: readonly Node[], attrs: Attrs): Node {
  const spec = attrs.spec as string;
  const terms = parse(spec);
  const lengths = lengthsOf(
    spec,
    terms,
    args.map((arg) => arg.shape),
  );
  const isFloat = (x: Node) => x.dtype === "f32" || x.dtype === "f64";
  const named = args.map((arg, k) => {
    const node = isFloat(arg) ? arg : g.make("cast", [arg], { to: "float" });
    return diagonal(g, { node, letters: terms.inputs[k] });
  });
  const result = named.slice(1).reduce((left, right, k) => {
    const later = terms.inputs.slice(k + 2).join("");
    return product(g, left, right, new Set(terms.output + later), lengths);
  }, named[0]);
  return order(g, sumOut(g, result, new Set(terms.output)), terms.output);
}

/** By definition: one loop over all letters. */
function evaluateEinsum(args: readonly Value[], attrs: Attrs, node: Node): Float64Array {
  const spec = attrs.spec as string;
  const terms = parse(spec);
  const shapes = args.map((arg) => arg.shape);
  const lengths = [...lengthsOf(spec, terms, shapes)];
  const step = (term: string, shape: Shape) => {
    const strides = stridesOf(shape);
    return lengths.map(([letter]) => [...term].reduce((sum, each, i) => (each === letter ? sum + strides[i] : sum), 0));
  };
  const steps = args.map((arg, k) => step(terms.inputs[k], arg.shape));
  const out = step(terms.output, node.shape);
  const result = new Float64Array(sizeOf(node.shape));
  const points = lengths.reduce((n, [, length]) => n * length, 1);
  for (let point = 0; point < points; point++) {
    let rest = point;
    const x = lengths.map(([, length]) => {
      const at = rest % length;
      rest = Math.floor(rest / length);
      return at;
    });
    const position = (by: readonly number[]) => by.reduce((sum, stride, i) => sum + stride * x[i], 0);
    result[position(out)] += args.reduce((value, arg, k) => value * arg.data[position(steps[k])], 1);
  }
  return result;
}

export const einsum: readonly OpRow[] = [
  {
    name: "einsum",
    doc: 'sum of products by letters, one an axis: attribute spec, as "bij,bjk->bik"; letters that the result lacks are summed over, a letter twice in a term is its diagonal',
    arity: "any",
    fusion: "composite",
    attributes: { spec: "text" },
    infer(args, attrs) {
      const spec = attrs.spec as string;
      const terms = parse(spec);
      const lengths = lengthsOf(
        spec,
        terms,
        args.map((arg) => arg.shape),
      );
      const shape = [...terms.output].map((letter) => lengths.get(letter)!);
      return { shape, dtype: shape.length === 0 ? "f64" : "f32" };
    },
    evaluate: evaluateEinsum,
    expand: expandEinsum,
    tolerance: { wasm: { ulp: 64, abs: 1e-5 }, wgsl: { ulp: 256, abs: 1e-5 } },
  },
];

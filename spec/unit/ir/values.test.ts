/** Values of every row worked out by hand, and the published test vectors of Philox. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  type Attrs,
  createGraph,
  evaluate,
  type Graph,
  type Node,
  opRows,
  philox4x32,
  type Shape,
} from "../../../compiler/index.js";

type Nested = number | boolean | readonly Nested[];
/** Nested lists are f32 or bool; integers are written as {"i32": ..}. */
type Literal = Nested | { readonly i32: Nested };

const shapeOf = (x: Nested): Shape => (Array.isArray(x) ? [x.length, ...(x.length > 0 ? shapeOf(x[0]) : [])] : []);
const elementsOf = (x: Nested): (number | boolean)[] =>
  Array.isArray(x) ? x.flatMap(elementsOf) : [x as number | boolean];
const isInteger = (x: Literal): x is { readonly i32: Nested } => typeof x === "object" && "i32" in x;

function literal(graph: Graph, x: Literal, inputs: Map<Node, Float64Array>): Node {
  if (typeof x === "number" || typeof x === "boolean") return graph.constant(x);
  const nested = isInteger(x) ? x.i32 : x;
  const elements = elementsOf(nested);
  const stored = isInteger(x) ? "I32" : typeof elements[0] === "boolean" ? "BOOL" : "F32";
  const node = graph.input({ source: "s", name: `x${inputs.size}`, dtype: stored, shape: shapeOf(nested) });
  inputs.set(
    node,
    Float64Array.from(elements, (each) => Math.fround(Number(each))),
  );
  return node;
}

const key = [0, 0] as const;
const unit = (bits: number) => bits / 2 ** 24;

/** operation | arguments | attributes | value. A number is a constant, nested lists are a tensor (f32 or bool), {"i32": ..} one of integers. */
const table = `
const |  | "value": "-0", "dtype": "f64" | -0
const |  | "value": "NaN", "dtype": "f64" | nan
iota |  | "shape": [2, 3], "axis": 1 | [[0, 1, 2], [0, 1, 2]]
iota |  | "shape": [2, 3], "axis": 0 | [[0, 0, 0], [1, 1, 1]]
numbers |  | "shape": [2, 2], "values": [7, 0, 1, 5] | [[7, 0], [1, 5]]
add | [1, -0, inf, nan], [2, 0, -inf, 1] |  | [3, 0, nan, nan]
add | [[1, 2], [3, 4]], [10, 20] |  | [[11, 22], [13, 24]]
add | [[1], [2]], [[10, 20]] |  | [[11, 21], [12, 22]]
add | [100000000, 16777216], 1 |  | [100000000, 16777216]
add | 9007199254740991, 1 |  | 9007199254740992
sub | [1, inf], [3, inf] |  | [-2, nan]
mul | [2, 0, -1], [3, inf, 0] |  | [6, nan, -0]
div | [1, -1, 0, 7], [0, 0, 0, 2] |  | [inf, -inf, nan, 3.5]
div | 7, 2 |  | 3.5
mod | [7, -7, 7, -7, 5.5], [3, 3, -3, -3, 2] |  | [1, 2, -2, -1, 1.5]
floor_div | [7, -7, 7], [2, 2, -2] |  | [3, -4, -4]
pow | [2, 9, 0, nan], [10, 0.5, 0, 0] |  | [1024, 3, 1, 1]
min | [1, nan, -inf], [2, 1, 0] |  | [1, nan, -inf]
max | [1, nan, -0], [2, 1, 0] |  | [2, nan, 0]
neg | [1, 0, nan] |  | [-1, -0, nan]
abs | [-1, -0, -inf] |  | [1, 0, inf]
sqrt | [9, -1, 2] |  | [3, nan, 1.4142135381698608]
exp | [0, -inf, 1] |  | [1, 0, 2.7182817459106445]
log | [1, 0, -1] |  | [0, -inf, nan]
sin | [0, -0] |  | [0, -0]
cos | [0] |  | [1]
acos | [1, 2] |  | [0, nan]
tanh | [0, inf, -inf] |  | [0, 1, -1]
floor | [1.5, -1.5, -0] |  | [1, -2, -0]
ceil | [1.5, -1.5, -0.5] |  | [2, -1, -0]
trunc | [1.9, -1.9] |  | [1, -1]
round | [0.5, 1.5, 2.5, -0.5, -1.5, 3.2] |  | [0, 2, 2, -0, -2, 3]
eq | [1, nan, -0], [1, nan, 0] |  | [true, false, true]
ne | [1, nan, -0], [1, nan, 0] |  | [false, true, false]
lt | [1, nan, 2], [2, 1, 2] |  | [true, false, false]
le | [1, nan, 2], [2, 1, 2] |  | [true, false, true]
gt | [3, nan, 2], [2, 1, 2] |  | [true, false, false]
ge | [3, nan, 2], [2, 1, 2] |  | [true, false, true]
and | [true, true, false], [true, false, false] |  | [true, false, false]
or | [true, true, false], [true, false, false] |  | [true, true, false]
not | [true, false] |  | [false, true]
is_finite | [1, nan, inf, -inf] |  | [true, false, false, false]
where | [true, false], [1, nan], [nan, 2] |  | [1, 2]
where | [true, false], 1, 0 |  | [1, 0]
cast | [1.9, -1.9, nan] | "to": "int" | [1, -1, 0]
cast | [0, -0, 2, nan] | "to": "bool" | [false, false, true, true]
quantize | [1.00390625, 1.01171875, -0, nan, 3.4e+38] | "dtype": "BF16" | [1, 1.015625, -0, nan, inf]
cast | [true, false] | "to": "float" | [1, 0]
broadcast | [1, 2] | "shape": [2, 2] | [[1, 2], [1, 2]]
broadcast | [[1], [2]] | "shape": [2, 2] | [[1, 1], [2, 2]]
reshape | [[1, 2, 3], [4, 5, 6]] | "shape": [3, 2] | [[1, 2], [3, 4], [5, 6]]
reshape | [0.1] | "shape": [] | 0.10000000149011612
transpose | [[1, 2, 3], [4, 5, 6]] | "perm": [1, 0] | [[1, 4], [2, 5], [3, 6]]
transpose | [[[1, 2]], [[3, 4]]] | "perm": [2, 0, 1] | [[[1], [3]], [[2], [4]]]
slice | [[1, 2, 3], [4, 5, 6]] | "start": [1, 1], "size": [1, 2] | [[5, 6]]
slice | [1, 2, 3] | "start": [3], "size": [0] | []
concat | [[1], [2]], [[3, 4], [5, 6]] | "axis": 1 | [[1, 3, 4], [2, 5, 6]]
concat | [1], [2, 3] | "axis": 0 | [1, 2, 3]
reduce_sum | [[1, 2], [3, 4]] | "axes": [0] | [4, 6]
reduce_sum | [[1, 2], [3, 4]] | "axes": [1], "keep": true | [[3], [7]]
reduce_sum | [[1, 2], [3, 4]] | "axes": [0, 1] | 10
reduce_sum | [] | "axes": [0] | 0
reduce_max | [[1, 5], [3, 4]] | "axes": [1] | [5, 4]
reduce_max | [[-1, -5], [-3, -4]] | "axes": [1] | [-1, -3]
reduce_max | [] | "axes": [0] | -inf
reduce_min | [[1, 5], [3, 4]] | "axes": [0] | [1, 4]
reduce_argmax | [[1, 5, 5], [3, 3, 2]] | "axes": [1] | [1, 0]
reduce_argmax | [[1, 5], [7, 7]] | "axes": [0, 1] | 2
total | 1, 2.5, 3 |  | 6.5
total | 1, 2 | "integer": true | 3
largest | 1, 3, 2 |  | 3
smallest | 2, 1, 3 |  | 1
row_rank | [[3, 1, 3], [nan, inf, 2]] |  | [[0, 2, 1], [0, 1, 2]]
matmul | [[1, 2], [3, 4]], [[5, 6], [7, 8]] |  | [[19, 22], [43, 50]]
matmul | [[[1, 2]], [[3, 4]]], [[1], [10]] |  | [[[21]], [[43]]]
sign | [-2, -0, 3, nan] |  | [-1, 0, 1, 0]
sigmoid | [0, inf, -inf] |  | [0.5, 1, 0]
mean | [[1, 2], [3, 6]] | "axes": [1] | [1.5, 4.5]
norm2 | [3, 4] | "axes": [0] | 5
norm1 | [-3, 4] | "axes": [0] | 7
dot | [1, 2, 3], [4, 5, 6] | "axes": [0] | 32
var | [1, 2, 3, 4] | "axes": [0] | 1.25
var | [1, 2, 3, 4] | "axes": [0], "unbiased": true | 1.6666666666666667
count | [0, -0, 2, nan] | "axes": [0] | 2
count | [[true, false], [true, true]] | "axes": [1] | [1, 2]
softmax | [[0, 0], [1000, 1000]] | "axes": [1] | [[0.5, 0.5], [0.5, 0.5]]
log_softmax | [-1000, -1000] | "axes": [0] | [-0.6931471824645996, -0.6931471824645996]
logsumexp | [[0, 0], [1000, 1000]] | "axes": [1] | [0.6931471805599453, 1000.6931471805599]
logsumexp | [[-inf, -inf], [inf, 0], [nan, 0]] | "axes": [1] | [-inf, inf, nan]
pad | [[1, 2]] | "before": [0, 1], "after": [1, 2] | [[0, 1, 2, 0, 0], [0, 0, 0, 0, 0]]
pad | [true] | "before": [0], "after": [1] | [true, false]
erf | [0, 1, -2, 0.5, inf, nan] |  | [0, 0.8427007929497149, -0.9953222650189527, 0.5204998778130465, 1, nan]
log1p | [0, 1, -1, 1e-8] |  | [0, 0.6931471805599453, -inf, 1e-8]
expm1 | [0, 1, -inf, 1e-8] |  | [0, 1.718281828459045, -1, 1e-8]
relu | [-1, 0, 2, nan] |  | [0, 0, 2, nan]
silu | [0, 1, -1, inf] |  | [0, 0.7310585786300049, -0.2689414213699951, inf]
softplus | [0, 100, -inf, 1] |  | [0.6931471805599453, 100, 0, 1.3132616875182228]
gelu | [0, 1, -1, 100] |  | [0, 0.8413447460685429, -0.15865525393145707, 100]
gelu | [0, 1, -1] | "tanh": true | [0, 0.8411919906082768, -0.15880800939172324]
layer_norm | [[1, 3], [2, 2]], [10, 20], [1, 1] | "eps": 0.0625 | [[-8.701425001453318, 20.402850002906636], [1, 1]]
layer_norm | [[1, 3]] | "eps": 0 | [[-1, 1]]
rms_norm | [[3, 4, 0, 0]], [1, 2, 3, 4] | "eps": 0 | [[1.2, 3.2, 0, 0]]
cross_entropy | [[0, 0], [1000, 0], [5, 6]], {"i32": [1, 0, -100]} | "ignore": -100 | 0.34657359027997264
cross_entropy | [[0, -inf]], {"i32": [0]} | "ignore": -100 | 0
cross_entropy | [[1, 2]], {"i32": [-100]} | "ignore": -100 | 0
cross_entropy | [[1, 2]], {"i32": [2]} | "ignore": -100 | nan
einsum | [[1, 2], [3, 4]], [[5, 6], [7, 8]] | "spec": "ij,jk->ki" | [[19, 43], [22, 50]]
einsum | [[1, 2], [3, 4]] | "spec": "ii->" | 5
einsum | [[1, 2], [3, 4]] | "spec": "ii->i" | [1, 4]
einsum | [1, 2], [3, 4, 5] | "spec": "i,j->ji" | [[3, 6], [4, 8], [5, 10]]
einsum | [1, 2], [3, 4], [5, 6] | "spec": "i,i,i->" | 63
solve | [[0, 2], [1, 1]], [[4], [5]] |  | [[3], [2]]
solve | [[2]], [[[4, 6]], [[8, 1]]] |  | [[[2, 3]], [[4, 0.5]]]
inverse | [[1, 2], [3, 4]] |  | [[-2, 1], [1.5, -0.5]]
inverse | [[[0, 1], [2, 0]]] |  | [[[0, 0.5], [1, 0]]]
svd | [[3, 0], [0, 4]] | "rank": 1 | [0, 1, 4, 0, 1]
svd | [[0, 5]] |  | [1, 5, 0, 1]
eigh | [[2, 0], [0, 3]] |  | [3, 2, 0, 1, 1, 0]
qr | [[3], [4]] |  | [0.6, 0.8, 5]
qr | [[0, 2], [1, 3]] |  | [0, 1, 1, 0, 1, 3, 0, 2]
cholesky | [[4, 0], [2, 10]] |  | [[2, 0], [1, 3]]
cholesky | [[-1]] |  | [[nan]]
solve_triangular | [[2, 9], [1, 4]], [[2], [9]] |  | [[1], [2]]
solve_triangular | [[2, 1], [9, 4]], [[4], [8]] | "upper": true | [[1], [2]]
assignment | [[4, 1, 3], [2, 0, 5]] |  | [1, 0]
kron | [[1, 2]], [[1, 10], [3, 0]] |  | [[1, 10, 2, 20], [3, 0, 6, 0]]
block_matmul | [[1, 2, 3, 4]], [[[1], [1]], [[1], [10]]] |  | [[3, 43]]
take | [[1, 2], [3, 4], [5, 6]], {"i32": [2, 0, 3, -1]} |  | [[5, 6], [1, 2], [nan, nan], [nan, nan]]
take | {"i32": [7, 8]}, {"i32": [[1], [2]]} |  | [[8], [0]]
scatter_add | {"i32": [1, 1, 5, -1]}, [[1, 2], [3, 4], [5, 6], [7, 8]] | "length": 3 | [[0, 0], [4, 6], [0, 0]]
take_along | [[1, 2, 3], [4, 5, 6]], {"i32": [[2, 0], [3, 1]]} | "axis": 1 | [[3, 1], [nan, 5]]
take_along | [[1, 2, 3], [4, 5, 6]], {"i32": [[1, 0, 1]]} | "axis": 0 | [[4, 2, 6]]
one_hot | {"i32": [1, 3, -1]} | "depth": 3 | [[0, 1, 0], [0, 0, 0], [0, 0, 0]]
one_hot | 2 | "depth": 3 | [0, 0, 1]
row_top | [[3, 1, 3, 5], [nan, inf, 0, 0]] | "k": 2 | [[true, false, false, true], [true, true, false, false]]
roll | [[1, 2, 3], [4, 5, 6]] | "shifts": [1, 5] | [[5, 6, 4], [2, 3, 1]]
pick | [[1, 2, 3], [4, 5, 6]] | "axis": 1, "indices": [2, 2, 0] | [[3, 3, 1], [6, 6, 4]]
pick | [[1, 2], [3, 4]] | "axis": 0, "indices": [1] | [[3, 4]]
pick_add | [[1, 2, 3], [4, 5, 6]] | "axis": 1, "indices": [2, 2, 0], "length": 4 | [[3, 0, 3, 0], [6, 0, 9, 0]]
cumsum | [[1, 2, 3], [4, 5, 6]] | "axis": 1 | [[1, 3, 6], [4, 9, 15]]
cumsum | [[1, 2, 3], [4, 5, 6]] | "axis": 0, "reverse": true | [[5, 7, 9], [4, 5, 6]]
cumsum | [1, inf, nan] | "axis": 0 | [1, inf, nan]
patches | [[[[1, 2, 3], [4, 5, 6]]]] | "kernel": [2, 2], "stride": [1, 1], "padding": [0, 0], "dilation": [1, 1] | [[[1, 2], [2, 3], [4, 5], [5, 6]]]
patches | [[[[1, 2]]]] | "kernel": [1, 2], "stride": [1, 2], "padding": [0, 1], "dilation": [1, 1], "fill": 9 | [[[9, 2], [1, 9]]]
fold_patches | [[[1, 2], [2, 3], [4, 5], [5, 6]]] | "kernel": [2, 2], "stride": [1, 1], "padding": [0, 0], "dilation": [1, 1], "image": [2, 3] | [[[[1, 4, 3], [4, 10, 6]]]]
conv2d | [[[[1, 2, 3], [4, 5, 6]]]], [[[[1, 0], [0, 1]]], [[[0, 1], [0, 0]]]], [10, 20] | "stride": [1, 1], "padding": [0, 0], "dilation": [1, 1], "groups": 1 | [[[[16, 18]], [[22, 23]]]]
conv2d | [[[[1, 2]], [[3, 4]]]], [[[[1, 1]]], [[[1, -1]]]] | "stride": [1, 1], "padding": [0, 0], "dilation": [1, 1], "groups": 2 | [[[[3]], [[-1]]]]
max_pool | [[[[-1, -2, -3], [-4, -5, -6]]]] | "kernel": [2, 2], "stride": [1, 1], "padding": [0, 1], "dilation": [1, 1] | [[[[-1, -1, -2, -3]]]]
mean_pool | [[[[1, 2, 3, 4]]]] | "kernel": [1, 2], "stride": [1, 2], "padding": [0, 1], "dilation": [1, 1] | [[[[0.5, 2.5, 2]]]]
stop_gradient | [1, 2] |  | [1, 2]
straight_through | [1, 2], [3, 4] |  | [1, 2]
dropout | [1, 2], 0 | "key": [0, 0] | [1, 2]
dropout | [1, 2], 1 | "key": [0, 0] | [0, 0]
dropout | [3], 0.25 | "key": [0, 0] | [4]
dropout | [3], 0.5 | "key": [0, 0] | [0]
`;

const cases = table
  .trim()
  .split("\n")
  .map((line) => {
    const [op, args, attrs, value] = line.split(" | ");
    return {
      line,
      op,
      args: read(`[${args}]`) as Literal[],
      attrs: JSON.parse(`{${attrs}}`) as Attrs,
      value: read(value) as Nested,
    };
  });

/** JSON with nan and inf. */
function read(text: string): Literal {
  const written = { nan: Number.NaN, inf: Infinity, "-inf": -Infinity } as Record<string, number>;
  return JSON.parse(text.replace(/-?\b(nan|inf)\b/g, '"$&"'), (_, x) => (typeof x === "string" ? written[x] : x));
}

/** Elements 0, 4, 8 and 12 of a draw of 16. */
const everyFourth = (op: string, attrs: Attrs) => {
  const graph = createGraph();
  const node = graph.make(op, [], { shape: [16], key, ...attrs });
  return [0, 4, 8, 12].map((i) => evaluate([node], () => new Float64Array()).get(node)!.data[i]);
};

for (const { line, op, args, attrs, value } of cases) {
  test(line, () => {
    const graph = createGraph();
    const inputs = new Map<Node, Float64Array>();
    const node = graph.make(
      op,
      args.map((x) => literal(graph, x, inputs)),
      attrs,
    );
    const found = evaluate([node], (n) => inputs.get(n)!).get(node)!;
    const wanted = elementsOf(value).map((x) => (node.dtype === "f32" ? Math.fround(Number(x)) : Number(x)));
    assert.equal(found.shape, shapeOf(value));
    assert.ok(
      wanted.length === found.data.length && wanted.every((x, i) => Object.is(x, found.data[i])),
      `found ${[...found.data]}`,
    );
  });
}

/** Block 0 under key 0: elements 0, 4, 8 and 12 of a packed draw take its words in order. */
const word = [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8];

test("uniform takes the upper 24 bits of the words of one block for elements 0, 4, 8 and 12", () => {
  assert.equal(
    everyFourth("uniform", {}),
    word.map((bits) => unit(bits >>> 8)),
  );
});

test("randint scales the same number", () => {
  assert.equal(
    everyFourth("randint", { n: 10 }),
    word.map((bits) => Math.floor(unit(bits >>> 8) * 10)),
  );
});

test("normal takes two words of the element's own block", () => {
  const u = 1 - unit(word[0] >>> 8);
  const v = unit(word[1] >>> 8);
  assert.is(everyFourth("normal", {})[0], Math.fround(Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v)));
});

test("Philox gives the published vectors", () => {
  const vectors = [
    [[0, 0, 0, 0], [0, 0], word],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as const;
  for (const [counter, k, words] of vectors) {
    assert.equal(philox4x32(counter as [number, number, number, number], k as [number, number]), words);
  }
});

test("an input is what the file holds, of rank 0 on the host", () => {
  const graph = createGraph();
  const types = (["BF16", "I64", "BOOL"] as const).flatMap((dtype) =>
    [[], [2]].map((shape) => graph.input({ source: "s", name: "x", dtype, shape }).dtype),
  );
  assert.equal(types, ["f64", "f32", "i64", "i32", "bool", "bool"]);
});

test("draw_rows goes through the rows of an epoch once before it shuffles anew", () => {
  const graph = createGraph();
  const rowsOf = (i: number) => {
    const node = graph.make("draw_rows", [graph.constant(i)], { rows: 6, size: 3, key: [1, 2] });
    return [...evaluate([node], () => new Float64Array()).get(node)!.data];
  };
  assert.equal([...rowsOf(0), ...rowsOf(1)].sort(), [0, 1, 2, 3, 4, 5]);
  assert.equal([...rowsOf(2), ...rowsOf(3)].sort(), [0, 1, 2, 3, 4, 5]);
  assert.equal(rowsOf(1), rowsOf(1));
  assert.throws(() => graph.make("draw_rows", [graph.constant(0)], { rows: 0, size: 3, key: [1, 2] }));
});

test("every row is worked out by hand here, in order.test.ts or in loops.test.ts", () => {
  const elsewhere = [
    "input",
    "uniform",
    "normal",
    "randint",
    "threshold",
    "above",
    "threshold_value",
    "variable",
    "loop",
    "loop_result",
    "draw_rows",
  ];
  assert.equal(new Set([...cases.map(({ op }) => op), ...elsewhere]), new Set(opRows().map((row) => row.name)));
});

test.run();

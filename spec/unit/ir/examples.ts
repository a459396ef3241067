/**
 * Arguments of rows that random draws hardly ever fit: shapes and attributes that belong together. In: a generator of
 * numbers and a graph. Out: arguments, new leaves with values drawn by their number, and attributes. Integer leaves hold
 * -4 .. 4, so some indices lie outside.
 */
import type { Attrs, Graph, Node, Shape } from "../../../compiler/index.js";

type Random = () => number;

export interface Example {
  readonly args: readonly Node[];
  readonly attrs: Attrs;
}

const below = (random: Random, n: number) => Math.floor(random() * n);
const one = <T>(random: Random, from: readonly T[]): T => from[below(random, from.length)];

function leaf(random: Random, graph: Graph, shape: Shape, dtype: "F32" | "I32" = "F32"): Node {
  return graph.input({ source: "example", name: `x${below(random, 1e6)}`, dtype, shape });
}

const sizes: readonly Shape[] = [[], [3], [2, 3], [0], [1, 2]];

/** Windows that fit images of 4 x 5: [kernel, stride, padding, dilation]. */
const windows: readonly (readonly (readonly [number, number])[])[] = [
  [
    [2, 2],
    [1, 1],
    [0, 0],
    [1, 1],
  ],
  [
    [3, 2],
    [1, 2],
    [1, 0],
    [1, 2],
  ],
  [
    [2, 5],
    [2, 5],
    [0, 0],
    [1, 1],
  ],
  [
    [1, 1],
    [1, 1],
    [0, 0],
    [1, 1],
  ],
  [
    [3, 3],
    [2, 2],
    [2, 1],
    [1, 1],
  ],
  [
    [2, 2],
    [3, 1],
    [1, 2],
    [2, 1],
  ],
];

function windowed(random: Random): Attrs {
  const [kernel, stride, padding, dilation] = one(random, windows);
  return { kernel, stride, padding, dilation };
}

const image = (random: Random, graph: Graph, channels = 1 + below(random, 2)) =>
  leaf(random, graph, [1 + below(random, 2), channels, 4, 5]);

function windowCount({ kernel, stride, padding, dilation }: { readonly [name: string]: readonly number[] }): number {
  const along = (d: 0 | 1, length: number) =>
    Math.floor((length + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1) / stride[d]) + 1;
  return along(0, 4) * along(1, 5);
}

const einsums: readonly (readonly [spec: string, ...shapes: Shape[]])[] = [
  ["ij,jk->ik", [2, 3], [3, 4]],
  ["bij,bjk->bik", [2, 2, 3], [2, 3, 2]],
  ["bhqd,bhkd->bhqk", [2, 1, 3, 2], [2, 1, 2, 2]],
  ["i,i->", [3], [3]],
  ["i,j->ij", [2], [3]],
  ["ij->ji", [2, 3]],
  ["ij->", [2, 3]],
  ["ii->i", [3, 3]],
  ["ii->", [3, 3]],
  ["ij,ik,il->jkl", [3, 2], [3, 2], [3, 2]],
  [",i->i", [], [3]],
  ["ik,kj,k->ij", [2, 3], [3, 2], [3]],
  ["ijk,k->kj", [2, 3, 2], [2]],
  ["ij,ij->i", [2, 3], [2, 3]],
  ["aij,jb->ba", [2, 2, 3], [3, 2]],
];

type Draw = (random: Random, graph: Graph) => Example;

export const examples: ReadonlyMap<string, Draw> = new Map<string, Draw>([
  [
    "numbers",
    (random) => {
      const shape = one<Shape>(random, [[0], [3], [2, 2], [2, 1, 3]]);
      return {
        args: [],
        attrs: { shape, values: Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i * 7) % 5) },
      };
    },
  ],
  [
    "cross_entropy",
    (random, graph) => {
      const lead = one<Shape>(random, [[3], [2, 2], [0], [1]]);
      const labels = leaf(random, graph, lead, "I32");
      return { args: [leaf(random, graph, [...lead, 3]), labels], attrs: { ignore: one(random, [-100, -1, 0]) } };
    },
  ],
  [
    "einsum",
    (random, graph) => {
      const [spec, ...shapes] = one(random, einsums);
      return { args: shapes.map((shape) => leaf(random, graph, shape)), attrs: { spec } };
    },
  ],
  [
    "solve",
    (random, graph) => {
      const [a, b] = one<[Shape, Shape]>(random, [
        [
          [3, 3],
          [3, 2],
        ],
        [
          [2, 2, 2],
          [2, 1],
        ],
        [
          [1, 1],
          [2, 1, 3],
        ],
        [
          [2, 4, 4],
          [2, 4, 1],
        ],
      ]);
      return { args: [leaf(random, graph, a), leaf(random, graph, b)], attrs: {} };
    },
  ],
  [
    "inverse",
    (random, graph) => ({
      args: [
        leaf(
          random,
          graph,
          one<Shape>(random, [
            [3, 3],
            [2, 2, 2],
            [1, 1],
          ]),
        ),
      ],
      attrs: {},
    }),
  ],
  ...["svd", "eigh", "qr", "assignment"].map((name): [string, (random: Random, graph: Graph) => Example] => [
    name,
    (random, graph) => {
      const n = 1 + below(random, 4);
      const wide =
        name === "svd" || name === "qr" ? one(random, [-1, 0, 2]) : name === "assignment" ? below(random, 2) : 0;
      const matrix = [n, Math.max(1, n + wide)];
      const attrs: Attrs = name === "svd" || name === "eigh" ? one<Attrs>(random, [{}, { rank: 1 }, { rank: 0 }]) : {};
      return { args: [leaf(random, graph, one<Shape>(random, [matrix, [2, ...matrix]]))], attrs };
    },
  ]),
  [
    "cholesky",
    (random, graph) => {
      const n = 1 + below(random, 3);
      const x = leaf(
        random,
        graph,
        one<Shape>(random, [
          [n, n],
          [2, n, n],
        ]),
      );
      const perm = x.shape.map((_, i) => (i < x.shape.length - 2 ? i : 2 * x.shape.length - 3 - i));
      const [row, column] = [0, 1].map((axis) => graph.make("iota", [], { shape: [n, n], axis }));
      const unit = graph.make("cast", [graph.make("eq", [row, column])], { to: "float" });
      const square = graph.make("matmul", [x, graph.make("transpose", [x], { perm })]);
      return { args: [graph.make("add", [square, unit])], attrs: {} };
    },
  ],
  [
    "solve_triangular",
    (random, graph) => {
      const [t, b] = one<[Shape, Shape]>(random, [
        [
          [3, 3],
          [3, 2],
        ],
        [
          [2, 2, 2],
          [2, 1],
        ],
        [
          [1, 1],
          [2, 1, 3],
        ],
      ]);
      return {
        args: [leaf(random, graph, t), leaf(random, graph, b)],
        attrs: one<Attrs>(random, [{}, { upper: true }, { upper: false }]),
      };
    },
  ],
  [
    "block_matmul",
    (random, graph) => {
      const lead = one(random, sizes);
      return { args: [leaf(random, graph, [...lead, 6]), leaf(random, graph, [2, 3, 2])], attrs: {} };
    },
  ],
  [
    "draw_rows",
    (random, graph) => ({
      args: [graph.constant(below(random, 9))],
      attrs: { rows: 1 + below(random, 7), size: 1 + below(random, 5), key: [below(random, 99), 1] },
    }),
  ],
  [
    "take",
    (random, graph) => {
      const indices = leaf(random, graph, one<Shape>(random, [[2], [1, 3], [0]]), "I32");
      const table = leaf(random, graph, [4, ...one(random, sizes)], random() < 0.3 ? "I32" : "F32");
      return { args: [table, indices], attrs: {} };
    },
  ],
  [
    "scatter_add",
    (random, graph) => {
      const lead = one<Shape>(random, [[2], [2, 3], [0]]);
      const rows = leaf(random, graph, [...lead, ...one(random, sizes)]);
      return { args: [leaf(random, graph, lead, "I32"), rows], attrs: { length: below(random, 4) } };
    },
  ],
  [
    "take_along",
    (random, graph) => {
      const [x, indices, axis] = one<[Shape, Shape, number]>(random, [
        [[4, 3], [2, 3], 0],
        [[4, 5], [4, 2], 1],
        [[4], [3], 0],
        [[2, 3, 2], [2, 1, 2], 1],
      ]);
      const args = [leaf(random, graph, x, random() < 0.3 ? "I32" : "F32"), leaf(random, graph, indices, "I32")];
      return { args, attrs: { axis } };
    },
  ],
  [
    "pick",
    (random, graph) => {
      const shape = one<Shape>(random, [[3], [3, 4], [4, 3, 2]]);
      const indices = one(random, [[0, 1, 2], [2, 0, 0], [], [1]]);
      return { args: [leaf(random, graph, shape)], attrs: { axis: shape.indexOf(3), indices } };
    },
  ],
  [
    "pick_add",
    (random, graph) => {
      const [indices, length] = one<[number[], number]>(random, [
        [[0, 2, 2], 4],
        [[1, 0, 2], 3],
        [[], 2],
      ]);
      const lead = one<Shape>(random, [[], [2]]);
      const x = leaf(random, graph, [...lead, indices.length]);
      return { args: [x], attrs: { axis: lead.length, indices, length } };
    },
  ],
  ["patches", (random, graph) => ({ args: [image(random, graph)], attrs: windowed(random) })],
  [
    "fold_patches",
    (random, graph) => {
      const attrs = windowed(random);
      const [kh, kw] = attrs.kernel as readonly number[];
      const depth = (1 + below(random, 2)) * kh * kw;
      const columns = leaf(random, graph, [2, depth, windowCount(attrs as never)]);
      return { args: [columns], attrs: { ...attrs, image: [4, 5] } };
    },
  ],
  [
    "conv2d",
    (random, graph) => {
      const { kernel, ...attrs } = windowed(random);
      const [groups, channels, out] = one(random, [
        [1, 2, 3],
        [2, 2, 4],
        [1, 1, 1],
      ]);
      const weight = leaf(random, graph, [out, channels / groups, ...(kernel as readonly number[])]);
      const bias = random() < 0.5 ? [leaf(random, graph, [out])] : [];
      return { args: [image(random, graph, channels), weight, ...bias], attrs: { ...attrs, groups } };
    },
  ],
  ["max_pool", (random, graph) => ({ args: [image(random, graph)], attrs: windowed(random) })],
  ["mean_pool", (random, graph) => ({ args: [image(random, graph)], attrs: windowed(random) })],
  [
    "cumsum",
    (random, graph) => {
      const shape = one<Shape>(random, [[3], [2, 70], [130, 2], [2, 3, 2]]);
      return {
        args: [leaf(random, graph, shape)],
        attrs: { axis: below(random, shape.length), reverse: random() < 0.5 },
      };
    },
  ],
  [
    "dropout",
    (random, graph) => {
      const rate = graph.constant(one(random, [0, 0.25, 0.5, 1]), true);
      return { args: [leaf(random, graph, one(random, sizes)), rate], attrs: { key: [1, below(random, 100)] } };
    },
  ],
]);

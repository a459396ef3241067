/**
 * The loss of classification. In: logits with classes along the last axis, a label for each row (an integer; `ignore`
 * marks rows that do not count). Out: one number, the mean over the rows that count of -log softmax at the label; 0 when
 * none counts. A label that is no class makes it NaN.
 */
import type { Attrs, Graph, Node } from "../graph.js";
import { reshape } from "./adjoint.js";
import { type OpRow, ShapeError, sameShape, showShape } from "./row.js";

const mul = (g: Graph, x: Node, y: Node) => g.make("mul", [x, y]);

/** True where the class (last axis) is the label. */
function labelMask(g: Graph, logits: Node, labels: Node): Node {
  const classes = g.make("iota", [], { shape: [logits.shape[logits.shape.length - 1]], axis: 0 });
  return g.make("eq", [reshape(g, labels, [...labels.shape, 1]), classes]);
}

function counts(g: Graph, labels: Node, attrs: Attrs): Node {
  return g.make("ne", [labels, g.constant(Number(attrs.ignore))]);
}

/** How many rows count, at least 1 (rank 0). */
function rowsThatCount(g: Graph, counted: Node): Node {
  const each = g.make("cast", [counted], { to: "float" });
  const total = g.make("reduce_sum", [each], { axes: [...counted.shape.keys()] });
  return g.make("max", [total, g.constant(1, true)]);
}

export const losses: readonly OpRow[] = [
  {
    name: "cross_entropy",
    doc: "arguments logits [.., classes] and labels [..] (integers): mean of -log softmax at the label over the rows whose label is not the attribute ignore; 0 if there are none, NaN for a label that is no class",
    arity: 2,
    fusion: "composite",
    attributes: { ignore: "number" },
    infer([logits, labels]) {
      if (logits.shape.length < 2) throw new ShapeError(`logits are [.., classes], found ${showShape(logits.shape)}`);
      if (!sameShape(labels.shape, logits.shape.slice(0, -1))) {
        throw new ShapeError(
          `logits ${showShape(logits.shape)} need labels ${showShape(logits.shape.slice(0, -1))}, found ${showShape(labels.shape)}`,
        );
      }
      if (labels.dtype !== "i32") throw new ShapeError(`labels are integers (i32), found ${labels.dtype}`, "dtype");
      return { shape: [], dtype: "f64" };
    },
    evaluate([logits, labels], attrs) {
      const classes = logits.shape[logits.shape.length - 1];
      let sum = 0;
      let rows = 0;
      labels.data.forEach((label, i) => {
        if (label === Number(attrs.ignore)) return;
        const row = logits.data.subarray(i * classes, (i + 1) * classes);
        const top = row.reduce((a, b) => Math.max(a, b), -Infinity);
        const z = row.reduce((total, x) => total + Math.exp(x - top), 0);
        rows++;
        sum += top + Math.log(z) - (label >= 0 && label < classes ? row[label] : Number.NaN);
      });
      return Float64Array.of(sum / Math.max(1, rows));
    },
    expand(g, [logits, labels], attrs) {
      const last = logits.shape.length - 1;
      const counted = counts(g, labels, attrs);
      // Chosen, not multiplied by a mask: the logarithm of a class that cannot be is -inf.
      const chosen = g.make("where", [
        labelMask(g, logits, labels),
        g.make("log_softmax", [logits], { axes: [last] }),
        g.constant(0, true),
      ]);
      const likelihood = g.make("reduce_sum", [chosen], { axes: [last] });
      const isClass = g.make("and", [
        g.make("ge", [labels, g.constant(0)]),
        g.make("lt", [labels, g.constant(logits.shape[last])]),
      ]);
      const known = g.make("where", [isClass, likelihood, g.constant(Number.NaN, true)]);
      const each = g.make("where", [counted, g.make("neg", [known]), g.constant(0, true)]);
      const total = g.make("reduce_sum", [each], { axes: [...labels.shape.keys()] });
      return g.make("div", [total, rowsThatCount(g, counted)]);
    },
    gradient(g, node, up) {
      const [logits, labels] = node.args;
      const counted = counts(g, labels, node.attrs);
      const each = g.make("where", [counted, g.make("div", [up, rowsThatCount(g, counted)]), g.constant(0, true)]);
      const target = g.make("cast", [labelMask(g, logits, labels)], { to: "float" });
      const error = g.make("sub", [g.make("softmax", [logits], { axes: [logits.shape.length - 1] }), target]);
      return [mul(g, error, reshape(g, each, [...labels.shape, 1])), null];
    },
    tolerance: { wasm: { ulp: 64, abs: 1e-5 }, wgsl: { ulp: 256, abs: 1e-5 } },
  },
];

/**
 * Nonlinear functions of networks, element by element, and what they are made of: erf, and log1p and expm1, which stay
 * exact near 0. All are composites: kernels know exp, log and tanh. Each has its exact definition for the reference and
 * an expansion that is right to about one unit in the last place of f32.
 *
 * The approximations of erf are least-squares fits reweighted towards equal extreme errors: |error| < 2e-10 before
 * rounding, about 1e-7 in f32. log1p and expm1 divide the rounding error of 1 + x (of e^x) out again (Kahan).
 */
import type { Attrs, Graph, Node } from "../graph.js";
import type { Attributes } from "./attributes.js";
import { type Gradient, type OpRow, ulps } from "./row.js";

const mul = (g: Graph, x: Node, y: Node) => g.make("mul", [x, y]);
const add = (g: Graph, x: Node, y: Node) => g.make("add", [x, y]);
const times = (g: Graph, x: Node, factor: number) => mul(g, x, g.constant(factor, true));
const one = (g: Graph) => g.constant(1, true);
const zero = (g: Graph) => g.constant(0, true);

function activation(
  name: string,
  doc: string,
  scalar: (x: number, attrs: Attrs) => number,
  expand: (g: Graph, x: Node, attrs: Attrs) => Node,
  gradient?: (g: Graph, up: Node, x: Node, node: Node) => Node,
  attributes?: Attributes,
): OpRow {
  const rule: Gradient | undefined = gradient && ((g, node, up) => [gradient(g, up, node.args[0], node)]);
  return {
    name,
    doc,
    arity: 1,
    fusion: "composite",
    ...(attributes === undefined ? {} : { attributes }),
    infer: ([x]) => ({ shape: x.shape, dtype: x.shape.length === 0 ? "f64" : "f32" }),
    evaluate: ([x], attrs, _node, round) => x.data.map((each) => round(scalar(each, attrs))),
    expand(g, [x], attrs) {
      const isFloat = x.dtype === "f32" || x.dtype === "f64";
      return expand(g, isFloat ? x : g.make("cast", [x], { to: "float" }), attrs);
    },
    ...(rule === undefined ? {} : { gradient: rule }),
    tolerance: ulps(16, 128, 4e-7),
  };
}

/** erf from its series of positive terms, 2 / sqrt(pi) e^(-x^2) sum of 2^n x^(2n+1) / (1 3 .. (2n+1)). */
export function errorFunction(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** erf x = x P(x^2) for |x| < 0.75. */
const nearZero = [
  1.1283791669072252, -0.376126376428462, 0.11283767243234463, -0.026864078504537727, 0.005214738914973219,
  -0.0008327806437318594, 0.00009311356982260466,
];
/** erf x = 1 - e^(-x^2) R(2 / (2 + x)) for x >= 0.75. */
const tail = [
  0.003222838780932967, 0.2450888203225348, 0.460089920391003, -0.21012646172689545, 0.8246103375376785,
  -0.3596770611960892, 0.036704715090789916,
];

function polynomial(g: Graph, x: Node, coefficients: readonly number[]): Node {
  return coefficients
    .slice(0, -1)
    .reduceRight(
      (sum, c) => add(g, mul(g, sum, x), g.constant(c, true)),
      g.constant(coefficients[coefficients.length - 1], true),
    );
}

function expandErf(g: Graph, x: Node): Node {
  const square = mul(g, x, x);
  const size = g.make("abs", [x]);
  const t = g.make("div", [g.constant(2), add(g, size, g.constant(2))]);
  const far = g.make("sub", [one(g), mul(g, g.make("exp", [g.make("neg", [square])]), polynomial(g, t, tail))]);
  const signed = g.make("where", [g.make("lt", [x, g.constant(0)]), g.make("neg", [far]), far]);
  const isNear = g.make("lt", [size, g.constant(0.75)]);
  return g.make("where", [isNear, mul(g, x, polynomial(g, square, nearZero)), signed]);
}

/** `exact` where |x| >= 1/2; below, x `numerator` / `denominator`, or x where the denominator is 0. */
function nearZeroQuotient(g: Graph, x: Node, exact: Node, numerator: Node, denominator: Node): Node {
  const vanishes = g.make("eq", [denominator, g.constant(0)]);
  const divisor = g.make("where", [vanishes, one(g), denominator]);
  const quotient = g.make("where", [vanishes, x, g.make("div", [mul(g, x, numerator), divisor])]);
  return g.make("where", [g.make("lt", [g.make("abs", [x]), g.constant(0.5)]), quotient, exact]);
}

const geluCubic = 0.044715;

export const activations: readonly OpRow[] = [
  activation(
    "erf",
    "error function 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to a",
    errorFunction,
    expandErf,
    (g, up, x) => mul(g, up, times(g, g.make("exp", [g.make("neg", [mul(g, x, x)])]), 2 / Math.sqrt(Math.PI))),
  ),
  activation(
    "log1p",
    "log(1 + a), exact near 0",
    Math.log1p,
    (g, x) => {
      const sum = add(g, x, one(g));
      const logarithm = g.make("log", [sum]);
      return nearZeroQuotient(g, x, logarithm, logarithm, g.make("sub", [sum, one(g)]));
    },
    (g, up, x) => g.make("div", [up, add(g, x, one(g))]),
  ),
  activation(
    "expm1",
    "e^a - 1, exact near 0",
    Math.expm1,
    (g, x) => {
      const power = g.make("exp", [x]);
      const less = g.make("sub", [power, one(g)]);
      return nearZeroQuotient(g, x, less, less, g.make("log", [power]));
    },
    (g, up, x) => mul(g, up, g.make("exp", [x])),
  ),
  activation(
    "relu",
    "max(a, 0); its gradient at 0 is 0",
    (x) => Math.max(x, 0),
    (g, x) => g.make("max", [x, zero(g)]),
    (g, up, x) => g.make("where", [g.make("gt", [x, g.constant(0)]), up, zero(g)]),
  ),
  activation(
    "silu",
    "a sigmoid(a)",
    (x) => x / (1 + Math.exp(-x)),
    (g, x) => mul(g, x, g.make("sigmoid", [x])),
  ),
  activation(
    "softplus",
    "log(1 + e^a)",
    (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    (g, x) => {
      const rest = g.make("exp", [g.make("neg", [g.make("abs", [x])])]);
      return add(g, g.make("max", [x, zero(g)]), g.make("log1p", [rest]));
    },
    (g, up, x) => mul(g, up, g.make("sigmoid", [x])),
  ),
  activation(
    "gelu",
    "a times the standard normal distribution function of a; attribute tanh takes its approximation by tanh",
    (x, attrs) =>
      attrs.tanh === true
        ? 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + geluCubic * x ** 3)))
        : 0.5 * x * (1 + errorFunction(x / Math.SQRT2)),
    (g, x, attrs) => {
      const cubic = () => mul(g, x, add(g, times(g, mul(g, x, x), geluCubic), one(g)));
      const shape =
        attrs.tanh === true
          ? g.make("tanh", [times(g, cubic(), Math.sqrt(2 / Math.PI))])
          : g.make("erf", [times(g, x, Math.SQRT1_2)]);
      return mul(g, times(g, x, 0.5), add(g, shape, one(g)));
    },
    undefined,
    { "tanh?": "flag" },
  ),
];

/**
 * Algebra and views: rewrites to something with less work and the same value. Each rule is a line of the tables; the
 * spec tries each line. A rule holds for every input, bit for bit, with infinities, NaN (one NaN is as good as
 * another) and both zeros: so x + 0 stays (-0 + 0 is +0), and 0 * x stays (infinity * 0 is NaN). The one exception is
 * marked. Constants that come to light are folded on the way.
 */
import type { Attrs, Graph, Node } from "../ir/index.js";
import { broadcastShapes, constantOf, opRows, sameShape } from "../ir/index.js";
import { foldNode } from "./fold.js";
import { rewrite } from "./rewrite.js";

/** The same values with less work. */
export function simplify(graph: Graph, roots: readonly Node[]): Node[] {
  return rewrite(graph, roots, (node) => foldNode(simplifyNode(node, graph), graph));
}

function simplifyNode(node: Node, graph: Graph): Node {
  for (const { apply } of rulesByOp.get(node.op) ?? []) {
    const better = apply(graph, node.args, node);
    if (better && better !== node && sameType(better, node)) return better;
  }
  return node;
}

/** Gives a node with the same value, or false. A result of another shape or dtype than `node` is not taken. */
type Apply = (graph: Graph, args: readonly Node[], node: Node) => Node | false;

export interface SimplifyRule {
  readonly op: string;
  /** left side = right side, as a reader would write it. */
  readonly name: string;
  readonly apply: Apply;
}

const rule = (op: string, name: string, apply: Apply): SimplifyRule => ({ op, name, apply });

/** A rule of an operation whose two arguments may change places. */
const either = (op: string, name: string, apply: Apply): SimplifyRule =>
  rule(op, name, (g, [x, y], node) => apply(g, [x, y], node) || apply(g, [y, x], node));

const arithmetic: readonly SimplifyRule[] = [
  either("add", "x + -0 = x", (_, [x, y]) => is(y, -0) && x),
  either("add", "n + 0 = n for integers", (_, [x, y]) => isInteger(x) && is(y, 0) && x),
  either("add", "x + -y = x - y", (g, [x, y]) => isNegation(y) && g.make("sub", [x, y.args[0]])),
  rule("sub", "x - 0 = x", (_, [x, y]) => is(y, 0) && x),
  rule("sub", "x - -y = x + y", (g, [x, y]) => isNegation(y) && g.make("add", [x, y.args[0]])),
  either("mul", "x * 1 = x", (_, [x, y]) => is(y, 1) && x),
  either("mul", "x * -1 = -x", (g, [x, y]) => is(y, -1) && isNumeric(x) && g.make("neg", [x])),
  rule("div", "x / 1 = x", (_, [x, y]) => is(y, 1) && x),
  rule(
    "div",
    "x / 2^k = x * 2^-k",
    (g, [x, y]) => isPowerOfTwo(y) && g.make("mul", [x, g.constant(1 / Number(numberOf(y)), true)]),
  ),
  rule("pow", "x ^ 1 = x", (_, [x, y]) => is(y, 1) && x),
  // Not bit for bit: the product is rounded correctly, a power need not be.
  rule("pow", "x ^ 2 = x * x", (g, [x, y]) => is(y, 2) && isNumeric(x) && g.make("mul", [x, x])),
  rule("neg", "-(-x) = x", (_, [x]) => isNegation(x) && x.args[0]),
  rule("abs", "| |x| | = |x|", (_, [x]) => x.op === "abs" && x),
  rule("abs", "|-x| = |x|", (g, [x]) => isNegation(x) && g.make("abs", [x.args[0]])),
  rule("min", "min(x, x) = x", (_, [x, y]) => x === y && x),
  rule("max", "max(x, x) = x", (_, [x, y]) => x === y && x),
  ...["floor", "ceil", "trunc", "round"].map((op) =>
    rule(op, `${op}(a whole number) = itself`, (_, [x]) => isRounded(x) && x),
  ),
];

const logic: readonly SimplifyRule[] = [
  rule("not", "not not c = c", (_, [c]) => c.op === "not" && c.args[0]),
  rule("not", "not (x == y) = x != y", (g, [c]) => c.op === "eq" && g.make("ne", c.args)),
  rule("not", "not (x != y) = x == y", (g, [c]) => c.op === "ne" && g.make("eq", c.args)),
  either("and", "c and true = c", (_, [c, d]) => is(d, true) && c),
  either(
    "and",
    "c and false = false",
    (g, [, d], node) => is(d, false) && g.make("broadcast", [d], { shape: node.shape }),
  ),
  either("or", "c or false = c", (_, [c, d]) => is(d, false) && c),
  either("or", "c or true = true", (g, [, d], node) => is(d, true) && g.make("broadcast", [d], { shape: node.shape })),
  rule("and", "c and c = c", (_, [c, d]) => c === d && c),
  rule("or", "c or c = c", (_, [c, d]) => c === d && c),
  rule("where", "where(true, a, b) = a", (g, [c, a], node) => is(c, true) && conform(g, a, node)),
  rule("where", "where(false, a, b) = b", (g, [c, , b], node) => is(c, false) && conform(g, b, node)),
  rule("where", "where(c, a, a) = a", (g, [, a, b], node) => a === b && conform(g, a, node)),
  rule(
    "where",
    "where(c, true, false) = c",
    (g, [c, a, b], node) => is(a, true) && is(b, false) && conform(g, c, node),
  ),
  rule(
    "where",
    "where(not c, a, b) = where(c, b, a)",
    (g, [c, a, b]) => c.op === "not" && isBool(c.args[0]) && g.make("where", [c.args[0], b, a]),
  ),
  rule("cast", "cast to its own dtype = itself", (_, [x]) => x),
  rule(
    "quantize",
    "rounded twice alike = once",
    (_, [x], { attrs }) => x.op === "quantize" && x.attrs.dtype === attrs.dtype && x,
  ),
  rule("cast", "bool of a number made from c = c", (_, [x]) => x.op === "cast" && isBool(x.args[0]) && x.args[0]),
];

const views: readonly SimplifyRule[] = [
  rule("broadcast", "broadcast to its own shape = itself", (_, [x]) => x),
  rule(
    "broadcast",
    "broadcast of broadcast = one",
    (g, [x], { attrs }) => x.op === "broadcast" && g.make("broadcast", x.args, attrs),
  ),
  rule("reshape", "reshape to its own shape = itself", (_, [x]) => x),
  rule(
    "reshape",
    "reshape of reshape = one",
    (g, [x], { attrs }) => x.op === "reshape" && x.dtype === x.args[0].dtype && g.make("reshape", x.args, attrs),
  ),
  rule("transpose", "transpose in order = itself", (_, [x], { attrs }) => permOf(attrs).every((p, i) => p === i) && x),
  rule(
    "transpose",
    "transpose of transpose = one",
    (g, [x], { attrs }) =>
      x.op === "transpose" && g.make("transpose", x.args, { perm: permOf(attrs).map((p) => permOf(x.attrs)[p]) }),
  ),
  rule("slice", "slice of everything = itself", (_, [x]) => x),
  rule(
    "slice",
    "slice of slice = one",
    (g, [x], { attrs }) =>
      x.op === "slice" &&
      g.make("slice", x.args, { start: startOf(attrs).map((s, i) => s + startOf(x.attrs)[i]), size: attrs.size }),
  ),
  rule("concat", "concat of one = itself", (_, args) => args.length === 1 && args[0]),
  rule(
    "reduce_sum",
    "sum of single elements = element + 0",
    (g, [x], node) =>
      isNumeric(x) &&
      reducesNothing(node) &&
      g.make("add", [g.make("reshape", [x], { shape: node.shape }), g.constant(0)]),
  ),
  rule(
    "reduce_max",
    "max of single elements = element",
    (g, [x], node) => isNumeric(x) && reducesNothing(node) && g.make("reshape", [x], { shape: node.shape }),
  ),
  rule(
    "reduce_min",
    "min of single elements = element",
    (g, [x], node) => isNumeric(x) && reducesNothing(node) && g.make("reshape", [x], { shape: node.shape }),
  ),
  ...opRows()
    .filter((row) => row.scalar !== undefined && row.arity !== 1)
    .map((row) => rule(row.name, `${row.name} broadcasts by itself`, implicitBroadcast)),
];

export const simplifyRules: readonly SimplifyRule[] = [...arithmetic, ...logic, ...views];

const rulesByOp = new Map<string, SimplifyRule[]>();
for (const each of simplifyRules) {
  const list = rulesByOp.get(each.op);
  if (list === undefined) rulesByOp.set(each.op, [each]);
  else list.push(each);
}

const sameType = (a: Node, b: Node) => a.dtype === b.dtype && sameShape(a.shape, b.shape);
const isInteger = (x: Node) => x.dtype === "i32" || x.dtype === "i64";
const isBool = (x: Node) => x.dtype === "bool";
const isNumeric = (x: Node) => x.dtype !== "bool" && x.dtype !== "threshold";
const isNegation = (x: Node) => x.op === "neg" && isNumeric(x.args[0]);
const roundings = new Set(["floor", "ceil", "trunc", "round"]);
const isRounded = (x: Node) => roundings.has(x.op);
const permOf = (attrs: Attrs) => attrs.perm as readonly number[];
const startOf = (attrs: Attrs) => attrs.start as readonly number[];

/** The number that all elements of a constant have. */
function numberOf(node: Node): number | boolean | undefined {
  if (node.op === "const") return constantOf(node);
  return node.op === "broadcast" && node.args[0].op === "const" ? constantOf(node.args[0]) : undefined;
}

const is = (node: Node, value: number | boolean) => Object.is(numberOf(node), value);

/** A power of two whose inverse is a normal f32, so that dividing by it and multiplying by the inverse round alike. */
function isPowerOfTwo(node: Node): boolean {
  const value = numberOf(node);
  if (typeof value !== "number") return false;
  const exponent = Math.log2(Math.abs(value));
  return Number.isInteger(exponent) && Math.abs(exponent) <= 126 && Math.abs(value) === 2 ** exponent;
}

/** `x` with the shape and dtype that the branch of a `where` takes. */
function conform(graph: Graph, x: Node, node: Node): Node {
  const isFloat = node.dtype === "f32" || node.dtype === "f64";
  const typed = isFloat && (isInteger(x) || isBool(x)) ? graph.make("cast", [x], { to: "float" }) : x;
  return sameShape(typed.shape, node.shape) ? typed : graph.make("broadcast", [typed], { shape: node.shape });
}

/** Groups of one element, in a result that stays a tensor (or was rank 0 already). */
function reducesNothing(node: Node): boolean {
  const [x] = node.args;
  return (
    (node.attrs.axes as readonly number[]).every((axis) => x.shape[axis] === 1) &&
    (node.shape.length > 0 || x.shape.length === 0)
  );
}

/** Drops a broadcast argument when the other arguments give the shape already. */
function implicitBroadcast(graph: Graph, args: readonly Node[], node: Node): Node | false {
  const at = args.findIndex((arg, i) => {
    if (arg.op !== "broadcast") return false;
    const rest = args.map((other, j) => (i === j ? arg.args[0].shape : other.shape));
    return sameShape(broadcastShapes(rest), node.shape);
  });
  return at >= 0 && graph.make(node.op, args.with(at, args[at].args[0]), node.attrs);
}

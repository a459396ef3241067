/**
 * The typing rules of unary and binary operators. In: an expression with its scope. Out: its type; T002, T008, T012, H001,
 * H003 where the operands certainly do not go together. Operators act on models and trees place by place.
 */
import type { BinaryOp, Expr } from "../../grammar/index.js";
import { commonShape, namesIn, type Operand, present, stored } from "./broadcasting.js";
import { type Context, originLabels, report } from "./context.js";
import { join, lifting } from "./join.js";
import { narrow } from "./narrowing.js";
import { negate } from "./polynomial.js";
import { innerScope, type Scope } from "./scope.js";
import { productShape, showAxis, showShape } from "./shape.js";
import { type Arithmetic, arithmeticType, isArithmetic, isTruth, truthType } from "./spaces.js";
import {
  error,
  isBool,
  isNumeric,
  isQuiet,
  list,
  model,
  number,
  numberOrTensor,
  showType,
  string,
  type Type,
  tensor,
  unknown,
} from "./types.js";
import { isWordHere, wrongWord } from "./words.js";

type Binary = Expr & { kind: "binary" };

const comparisons = new Set<BinaryOp>(["==", "!=", "<", "<=", ">", ">="]);
const orderings = new Set<BinaryOp>(["<", "<=", ">", ">="]);

/** A chain of operators is read from its innermost left operand outwards, so that long sums need no deep recursion. */
export function inferBinary(cx: Context, scope: Scope, e: Binary, expected: Type | null): Type {
  const chain: Binary[] = [];
  let inner: Expr = e;
  while (inner.kind === "binary") {
    chain.push(inner);
    inner = inner.left;
  }
  let type: Type | null = null;
  for (const node of chain.reverse()) {
    type = binary(cx, scope, node, type, node === e ? expected : null);
    cx.program.types.set(node, type);
  }
  return type!;
}

function binary(cx: Context, scope: Scope, e: Binary, leftKnown: Type | null, expected: Type | null): Type {
  const passes = e.op === "??" || e.op === "++" ? expected : null;
  let left = leftKnown;
  let right: Type | null = null;
  if (left === null) {
    if (e.left.kind === "name" && comparisons.has(e.op) && isWordHere(cx, scope, e.left.name.text)) {
      right = cx.infer(cx, scope, e.right);
      left = cx.infer(cx, scope, e.left, right);
    } else left = cx.infer(cx, scope, e.left, passes);
  }
  if (right === null) {
    const around = e.op === "and" || e.op === "or" ? innerScope(scope) : scope;
    if (e.op === "and" || e.op === "or") narrow(cx, around, e.left, e.op === "and");
    right = cx.infer(cx, around, e.right, e.op === "in" ? list(left) : isArithmetic(e.op) ? null : (passes ?? left));
  }
  return binaryType(cx, scope, e, left, right);
}

function binaryType(cx: Context, scope: Scope, e: Binary, left: Type, right: Type): Type {
  if (e.op === "??") {
    if (left.kind === "none") return right;
    return left.kind === "optional" ? join(left.of, right) : left.kind === "error" ? right : left;
  }
  if (e.op === "==" || e.op === "!=") {
    if (left.kind === "none" || right.kind === "none") return number("Bool", "static");
  }
  const a = present(cx, scope, e.left, left);
  const b = present(cx, scope, e.right, right);
  if (a.kind === "error" || b.kind === "error") return error;
  if (isArithmetic(e.op)) return arithmetic(cx, scope, e.op, e, a, b);
  switch (e.op) {
    case "@":
      return product(cx, scope, e, a, b);
    case "++":
      return appended(cx, e, a, b);
    case "and":
    case "or":
      return logic(cx, scope, e, a, b);
    case "in":
      return membership(cx, e, a, b);
    case "matches":
      return matching(cx, e, a, b);
    default:
      return comparison(cx, scope, e, a, b);
  }
}

const names: ReadonlyMap<Arithmetic, string> = new Map([
  ["+", "added"],
  ["-", "subtracted"],
  ["*", "multiplied"],
  ["/", "divided"],
  ["%", "divided with a remainder"],
  ["^", "raised to a power"],
]);

function notDefined(cx: Context, e: Binary, a: Type, b: Type, help: string | null): Type {
  report(cx, "T008", `\`${e.op}\` is not defined for ${showType(a)} and ${showType(b)}`, e.opSpan, {
    label: "no rule for these",
    others: [
      { file: cx.file, span: e.left.span, text: `this is ${showType(a)}` },
      { file: cx.file, span: e.right.span, text: `this is ${showType(b)}` },
    ],
    help,
  });
  return error;
}

function arithmetic(cx: Context, scope: Scope, op: Arithmetic, e: Binary, a: Type, b: Type): Type {
  const left: Operand = { type: stored(cx, a, e.left.span), span: e.left.span };
  const right: Operand = { type: stored(cx, b, e.right.span), span: e.right.span };
  return lifting([left.type, right.type], ([x, y]) => {
    if (x.kind === "error" || y.kind === "error") return error;
    if (isQuiet(x) || isQuiet(y)) return unknown;
    if (op === "+" && family(x) === "text" && family(y) === "text") return string;
    if (!isNumeric(x) || !isNumeric(y)) return notDefined(cx, e, x, y, arithmeticHelp(op, x, y));
    const shape = commonShape(cx, scope, [
      { ...left, type: x },
      { ...right, type: y },
    ]);
    if (shape === "conflict") return error;
    return arithmeticType(op, x, y, shape) ?? weightPlusWeight(cx, e);
  });
}

function arithmeticHelp(op: Arithmetic, a: Type, b: Type): string | null {
  if (a.kind === "list" && b.kind === "list") {
    return op === "+"
      ? "lists are joined by `xs ++ ys`; to add element by element, write [x + y for (x, y) in zip(xs, ys)]"
      : `element by element: [x ${op} y for (x, y) in zip(xs, ys)]`;
  }
  if (a.kind === "list" || b.kind === "list")
    return `lists are not ${names.get(op)} as a whole: write a comprehension, [… for x in xs]`;
  if (a.kind === "string" || a.kind === "words") return `texts are put together by interpolation: "\${a} and \${b}"`;
  return null;
}

export function weightPlusWeight(cx: Context, e: Expr): Type {
  const others =
    e.kind === "binary" ? [e.left, e.right].map((x) => ({ file: cx.file, span: x.span, text: "a Weight" })) : [];
  report(cx, "T002", "Weight + Weight: the sum of two points has no meaning", e.kind === "binary" ? e.opSpan : e.span, {
    others,
    help: "average them with mean(ws) or mix(ws, coefficients), or add a change: `w + (v - base)`",
  });
  return error;
}

function product(cx: Context, scope: Scope, e: Binary, a: Type, b: Type): Type {
  const x0 = stored(cx, a, e.left.span);
  const y0 = stored(cx, b, e.right.span);
  return lifting([x0, y0], ([x, y]) => {
    if (x.kind === "error" || y.kind === "error") return error;
    if (isQuiet(x) || isQuiet(y)) return unknown;
    if (x.kind !== "tensor" || y.kind !== "tensor")
      return notDefined(cx, e, x, y, "`@` is the product of matrices; numbers are multiplied by `*`");
    const result = productShape(x.shape, y.shape);
    if ("shape" in result) return numberOrTensor(tensor("Tensor", result.shape));
    if (scope.assumesLengths) return tensor("Tensor", null);
    const [inner, other] = result.inner;
    report(
      cx,
      "H003",
      `the inner dimensions of ${showShape(x.shape)} @ ${showShape(y.shape)} differ: ${showAxis(inner)} and ${showAxis(other)}`,
      e.opSpan,
      {
        label: `${showAxis(inner)} meets ${showAxis(other)}`,
        others: [
          { file: cx.file, span: e.left.span, text: `this is ${showShape(x.shape)}` },
          { file: cx.file, span: e.right.span, text: `this is ${showShape(y.shape)}` },
          ...originLabels(cx, namesIn([inner, other])),
        ],
        help: "transpose one of them with `.T`, or change the order",
      },
    );
    return error;
  });
}

function appended(cx: Context, e: Binary, a: Type, b: Type): Type {
  if (isQuiet(a) || isQuiet(b)) return a.kind === "list" ? list(unknown) : b.kind === "list" ? list(unknown) : unknown;
  if (a.kind === "list" && b.kind === "list") {
    const of = a.lengths?.length === 0 ? b.of : b.lengths?.length === 0 ? a.of : join(a.of, b.of);
    const both = a.lengths && b.lengths ? [...a.lengths, ...b.lengths] : null;
    return list(of, both !== null && both.filter((x) => x.kind === "rest").length <= 1 ? both : null);
  }
  const text = (t: Type) => t.kind === "string" || t.kind === "words";
  if (text(a) && text(b)) return string;
  if (a.kind === "model" && b.kind === "model") return model;
  return notDefined(
    cx,
    e,
    a,
    b,
    "`++` joins two lists, or the blocks of two models; a single element is joined as `xs ++ [x]`",
  );
}

function logic(cx: Context, scope: Scope, e: Binary, a: Type, b: Type): Type {
  return lifting([a, b], ([x, y]) => {
    if (x.kind === "error" || y.kind === "error") return error;
    if (isQuiet(x) || isQuiet(y)) return unknown;
    if (!isTruth(x) || !isTruth(y))
      return notDefined(cx, e, x, y, "both sides have to be Bool or bool tensors: compare first, `x != 0`");
    const shape = commonShape(cx, scope, [
      { type: x, span: e.left.span },
      { type: y, span: e.right.span },
    ]);
    return shape === "conflict" ? error : truthType(x, y, shape);
  });
}

function comparison(cx: Context, scope: Scope, e: Binary, a: Type, b: Type): Type {
  const ranks = orderings.has(e.op);
  const a1 = ranks && b.kind !== "tensor" ? a : stored(cx, a, e.left.span);
  const b1 = ranks && a.kind !== "tensor" ? b : stored(cx, b, e.right.span);
  return lifting([a1, b1], ([x, y]) => {
    if (x.kind === "error" || y.kind === "error") return error;
    if (isQuiet(x) || isQuiet(y)) {
      return x.kind === "tensor" || y.kind === "tensor" ? tensor("Tensor", null, "bool") : unknown;
    }
    if (isNumeric(x) && isNumeric(y)) {
      const boolean = isBool(x) !== isBool(y) && x.kind === "number" && y.kind === "number";
      if (boolean || (isBool(x) && isBool(y) && orderings.has(e.op)))
        return notDefined(cx, e, x, y, "a Bool is either true or false: use it directly, or `not`");
      const shape = commonShape(cx, scope, [
        { type: x, span: e.left.span },
        { type: y, span: e.right.span },
      ]);
      return shape === "conflict" ? error : truthType(x, y, shape);
    }
    const foreign = foreignWord(x, y);
    if (foreign !== null)
      return wrongWord(cx, foreign.word, foreign.left ? e.left.span : e.right.span, foreign.allowed);
    if (!sameFamily(x, y) || (orderings.has(e.op) && family(x) !== "text")) return notDefined(cx, e, x, y, null);
    return number("Bool", "unknown");
  });
}

/** A single word compared with a union that lacks it. */
function foreignWord(
  a: Type,
  b: Type,
): { readonly word: string; readonly left: boolean; readonly allowed: readonly string[] } | null {
  if (a.kind !== "words" || b.kind !== "words") return null;
  if (b.declared.length === 1 && !a.declared.includes(b.declared[0]))
    return { word: b.declared[0], left: false, allowed: a.declared };
  if (a.declared.length === 1 && !b.declared.includes(a.declared[0]))
    return { word: a.declared[0], left: true, allowed: b.declared };
  return null;
}

function family(type: Type): string {
  if (type.kind === "words" || type.kind === "string") return "text";
  return type.kind === "number" || type.kind === "tensor" ? "number" : type.kind;
}

function sameFamily(a: Type, b: Type): boolean {
  const either = (kind: Type["kind"]) => a.kind === kind || b.kind === kind;
  return family(a) === family(b) || either("scope") || either("dtype");
}

function membership(cx: Context, e: Binary, a: Type, b: Type): Type {
  if (isQuiet(a) || isQuiet(b)) return number("Bool", "unknown");
  if (b.kind === "tree" || b.kind === "model") return number("Bool", "unknown");
  if (b.kind !== "list")
    return notDefined(
      cx,
      e,
      a,
      b,
      "the right side of `in` is a list, a range or a tree: `x in [a, b]`, `layer in 0..8`",
    );
  if (a.kind === "words" && b.of.kind === "words") {
    const word = b.of.words.find((w) => !a.declared.includes(w));
    if (word !== undefined) return wrongWord(cx, word, e.right.span, a.declared);
  }
  if (!isQuiet(b.of) && !sameFamily(a, b.of))
    return notDefined(cx, e, a, b, "the elements of the list have to be of the same type as the left side");
  return number("Bool", "static");
}

function matching(cx: Context, e: Binary, a: Type, b: Type): Type {
  const text = (t: Type) => isQuiet(t) || family(t) === "text";
  if (!text(a) || !text(b))
    return notDefined(cx, e, a, b, '`matches` compares a text with a pattern: `name matches "*.mlp.*"`');
  return number("Bool", "static");
}

export function inferUnary(cx: Context, scope: Scope, e: Expr & { kind: "unary" }): Type {
  const type = present(cx, scope, e.value, cx.infer(cx, scope, e.value));
  return lifting([stored(cx, type, e.value.span)], ([x]) => {
    if (isQuiet(x)) return x;
    const fine = e.op === "not" ? isTruth(x) : isNumeric(x) && !isBool(x);
    if (!fine) {
      report(cx, "T008", `\`${e.op}\` is not defined for ${showType(x)}`, e.span, {
        label: `this is ${showType(x)}`,
        help: e.op === "not" ? "compare first: `not (x == 0)`" : null,
      });
      return error;
    }
    if (x.kind === "tensor") return { ...x, space: x.space === "Delta" ? "Delta" : "Tensor" };
    return x.kind === "number" && e.op === "-" ? { ...x, value: negate(x.value) } : x;
  });
}

/**
 * The verifier. In: roots of a complete graph (late nodes have all their arguments). Out: nothing, or a VerifyError with
 * the text of the first node that breaks a law: it has a row and what the row infers, attributes are plain values,
 * arguments come before users, and rank 0 goes with the dtypes of the host. Run between passes and by tests.
 */
import type { Attr, Node } from "./graph.js";
import { inferType, isOp, ShapeError, sameShape } from "./ops/index.js";
import { printNode, printType } from "./print.js";

export class VerifyError extends Error {
  constructor(why: string, node: Node) {
    super(`${why}\n  ${printNode(node)}`);
    this.name = "VerifyError";
  }
}

/** Nodes that were verified (`done`), kept from one call of `verify` to the next. */
export type Verified = Map<Node, "open" | "done">;

/** Verifies the nodes under `roots`, except those in `verified`, to which it adds them. Throws VerifyError. */
export function verify(roots: readonly Node[], verified: Verified = new Map()): void {
  const stack: { node: Node; next: number }[] = [];
  const enter = (node: Node) => {
    const state = verified.get(node);
    if (state === "open") throw new VerifyError("the node depends on itself", node);
    if (state === "done") return;
    verified.set(node, "open");
    stack.push({ node, next: 0 });
  };
  for (const root of roots) {
    enter(root);
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      if (top.next < top.node.args.length) {
        enter(top.node.args[top.next++]);
      } else {
        verifyNode(top.node);
        verified.set(top.node, "done");
        stack.pop();
      }
    }
  }
}

function verifyNode(node: Node): void {
  if (!isOp(node.op)) throw new VerifyError(`the op registry has no row ${node.op}`, node);
  if (!isPlainRecord(node.attrs))
    throw new VerifyError("attributes must be finite numbers, strings, bools, null, lists and records", node);
  const inferred = inferOrFail(node);
  if (inferred.dtype !== node.dtype || !sameShape(inferred.shape, node.shape))
    throw new VerifyError(`the row of ${node.op} infers ${printType(inferred)}`, node);
  const isHost = node.dtype === "f64" || node.dtype === "i64" || node.dtype === "threshold";
  const isDevice = node.dtype === "f32" || node.dtype === "i32";
  if (node.shape.length === 0 ? isDevice : isHost)
    throw new VerifyError("f64, i64 and threshold go with rank 0, f32 and i32 with tensors", node);
}

function inferOrFail(node: Node) {
  try {
    return inferType(node.op, node.args, node.attrs);
  } catch (error) {
    if (error instanceof ShapeError) throw new VerifyError(error.message, node);
    throw error;
  }
}

/** A value that is equal to what its text says: no -0, NaN or infinity, no functions, no class instances. */
function isPlain(value: Attr): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  if (Array.isArray(value)) return value.every(isPlain);
  return typeof value === "object" && isPlainRecord(value as { readonly [key: string]: Attr });
}

function isPlainRecord(value: { readonly [key: string]: Attr }): boolean {
  const prototype = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && Object.values(value).every(isPlain);
}

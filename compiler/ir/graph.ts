/**
 * The tensor graph: SSA operations on tensors of known shape.
 *
 * In: the elaborator asks for nodes by operation, arguments and attributes. Out: immutable nodes, shared when equal
 * (hash consing), so common subexpressions never arise. One graph holds a whole recipe: the leaves are tensors of
 * files, a lifted call adds the nodes of each place, a statistic over the model is a rank-0 node whose arguments come
 * from all places.
 *
 * Rank-0 nodes live on the host between passes over the data (f64, i64, bool); all others are f32, i32 or bool tensors.
 */
import type { StorageDtype, ValueDtype } from "./dtype.js";
import { interning } from "./intern.js";
import { inferType } from "./ops/index.js";

export type Shape = readonly number[];

export type Attr = string | number | boolean | null | readonly Attr[] | { readonly [key: string]: Attr };
export type Attrs = { readonly [key: string]: Attr };

export interface Node {
  readonly id: number;
  readonly op: string;
  readonly args: readonly Node[];
  readonly attrs: Attrs;
  readonly shape: Shape;
  readonly dtype: ValueDtype;
}

/** A tensor of a file as a leaf of the graph: `source` and `name` identify it, the reader knows where its bytes are. */
export interface InputAttrs {
  readonly source: string;
  readonly name: string;
  readonly dtype: StorageDtype;
  readonly shape: Shape;
}

/**
 * What a `loop` node runs: values over the leaves `variables` (the state at the start of a step) and `index` (i64, from
 * 0), and over whatever else the graph has. After each step the state becomes `results`, all at once; the loop ends
 * early after a step in which `until` is true. `logs` are shown to whoever follows the loop.
 */
export interface LoopBody {
  readonly variables: readonly Node[];
  readonly index: Node;
  /** New state: shapes and dtypes of the variables. */
  readonly results: readonly Node[];
  readonly until: Node | null;
  readonly logs: readonly { readonly name: string; readonly node: Node }[];
  /** For messages: the path of bindings that made the loop, and what each variable is called in the state. */
  readonly name?: string;
  readonly names?: readonly string[];
}

export interface Graph {
  /** All nodes in the order of their making; arguments come before users, except those of late nodes. */
  readonly nodes: readonly Node[];
  /** The bodies that `loop` nodes name by number; the maker of a loop adds its body. */
  readonly loops: LoopBody[];
  /** The node for this operation. Throws ShapeError when the operation does not fit its arguments. */
  make(op: string, args: readonly Node[], attrs?: Attrs): Node;
  /** A rank-0 constant. Integers are i64 (with one zero), other numbers and, with `float`, all numbers f64. */
  constant(value: number | boolean, float?: boolean): Node;
  input(attrs: InputAttrs): Node;
  /** A node over the whole model whose arguments are added while the places are visited, then sealed. */
  late(op: string, attrs: Attrs, first: readonly Node[]): LateNode;
}

export interface LateNode {
  readonly node: Node;
  /** Adds an argument and returns its position. */
  add(arg: Node): number;
}

export function createGraph(): Graph {
  const nodes: Node[] = [];

  const push = (op: string, args: readonly Node[], attrs: Attrs): Node => {
    const { shape, dtype } = inferType(op, args, attrs);
    const node: Node = { id: nodes.length, op, args, attrs, shape, dtype };
    nodes.push(node);
    return node;
  };

  const shared = interning(push);
  const make = (op: string, args: readonly Node[], attrs: Attrs = {}): Node => shared(op, args, attrs);

  return {
    nodes,
    loops: [],
    make,
    constant(value, float = false) {
      if (typeof value === "boolean") return make("const", [], { value, dtype: "bool" });
      const dtype = float || !Number.isInteger(value) ? "f64" : "i64";
      if (dtype === "i64") return make("const", [], { value: value + 0, dtype });
      // -0, NaN and infinities have no JSON form.
      const exact = Object.is(value, -0) ? "-0" : Number.isFinite(value) ? value : String(value);
      return make("const", [], { value: exact, dtype });
    },
    input(attrs) {
      return make("input", [], { ...attrs });
    },
    late(op, attrs, first) {
      const args: Node[] = [...first];
      const { shape, dtype } = inferType(op, args, attrs);
      const node: Node = { id: nodes.length, op, args, attrs, shape, dtype };
      nodes.push(node);
      return { node, add: (arg) => args.push(arg) - 1 };
    },
  };
}

/** The number of a `const` node. */
export function constantOf(node: Node): number | boolean {
  const value = node.attrs.value;
  if (typeof value === "boolean" || typeof value === "number") return value;
  return Number(value);
}

export function inputOf(node: Node): InputAttrs {
  return node.attrs as unknown as InputAttrs;
}

/** Number of elements; 1 for rank 0. */
export function sizeOf(shape: Shape): number {
  let n = 1;
  for (const d of shape) n *= d;
  return n;
}

/** Nodes that `roots` depend on, arguments before users. */
export function reachable(roots: Iterable<Node>): Node[] {
  const order: Node[] = [];
  const state = new Map<Node, "open" | "done">();
  const stack: { node: Node; next: number }[] = [];
  for (const root of roots) {
    if (state.has(root)) continue;
    state.set(root, "open");
    stack.push({ node: root, next: 0 });
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      if (top.next < top.node.args.length) {
        const arg = top.node.args[top.next++];
        if (!state.has(arg)) {
          state.set(arg, "open");
          stack.push({ node: arg, next: 0 });
        }
      } else {
        state.set(top.node, "done");
        order.push(top.node);
        stack.pop();
      }
    }
  }
  return order;
}

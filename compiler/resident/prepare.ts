/**
 * The graph as the resident compiler takes it. In: outputs, leaves that get values, bodies of loops. Out: the same after
 * the passes, in a graph of its own, with every node that is needed in order: arguments before users, the body of a
 * loop before the loop. Operands of matrix products are floats.
 */
import { createGraph, type LoopBody, type Node, reachable, type Shape, sizeOf } from "../ir/index.js";
import { runPasses } from "../passes/index.js";

export interface ResidentRequest {
  readonly outputs: readonly Node[];
  /** Leaves that get values: inputs, variables, results of loops that are run elsewhere. */
  readonly inputs: readonly Node[];
  /** The bodies that loop nodes name (graph.loops). */
  readonly loops?: readonly LoopBody[];
}

export interface Prepared {
  readonly outputs: readonly Node[];
  readonly inputs: readonly Node[];
  readonly bodies: ReadonlyMap<number, LoopBody>;
  readonly order: readonly Node[];
  /** A node of the request → what it became. */
  readonly now: ReadonlyMap<Node, Node>;
}

/** Throws an Error when a loop lacks its body or a variable belongs to nobody. */
export function prepare(request: ResidentRequest): Prepared {
  const found = bodiesOf(request);
  const old = [
    ...request.outputs,
    ...request.inputs,
    ...[...found.values()].flatMap(nodesOf),
    ...loopsIn(request, found),
  ];
  const passed = normalised(runPasses(old));
  const now = new Map(old.map((node, i) => [node, passed[i]]));
  const renamed = (node: Node) => now.get(node)!;
  const bodies = new Map(
    [...found].map(([number, body]): [number, LoopBody] => [
      number,
      {
        variables: body.variables.map(renamed),
        index: renamed(body.index),
        results: body.results.map(renamed),
        until: body.until === null ? null : renamed(body.until),
        logs: body.logs.map(({ name, node }) => ({ name, node: renamed(node) })),
      },
    ]),
  );
  const outputs = request.outputs.map(renamed);
  const inputs = request.inputs.map(renamed);
  const order = inOrder(outputs, inputs, bodies);
  const owned = new Set([...inputs, ...[...bodies.values()].flatMap((body) => [...body.variables, body.index])]);
  for (const node of order) {
    if (node.op === "variable" && !owned.has(node)) {
      throw new Error(`the variable ${JSON.stringify(node.attrs.id)} is neither an input nor the state of a loop`);
    }
    if (node.op === "input" && !owned.has(node))
      throw new Error(`the input ${JSON.stringify(node.attrs.name)} gets no value`);
  }
  return { outputs, inputs, bodies, order, now };
}

export function bodyOf(bodies: ReadonlyMap<number, LoopBody>, loop: Node): LoopBody {
  return bodies.get(loop.attrs.body as number)!;
}

function nodesOf(body: LoopBody): Node[] {
  const ends = body.until === null ? [] : [body.until];
  return [...body.variables, body.index, ...body.results, ...ends, ...body.logs.map((log) => log.node)];
}

/** The bodies of all loops under the outputs, by number. */
function bodiesOf(request: ResidentRequest): Map<number, LoopBody> {
  const bodies = new Map<number, LoopBody>();
  const open: Node[] = [...request.outputs];
  while (open.length > 0) {
    for (const node of reachable(open.splice(0))) {
      if (node.op !== "loop" || bodies.has(node.attrs.body as number)) continue;
      const body = request.loops?.[node.attrs.body as number];
      if (body === undefined) throw new Error(`no body ${node.attrs.body} was given for a loop`);
      bodies.set(node.attrs.body as number, body);
      open.push(...nodesOf(body));
    }
  }
  return bodies;
}

function loopsIn(request: ResidentRequest, bodies: ReadonlyMap<number, LoopBody>): Node[] {
  const roots = [...request.outputs, ...[...bodies.values()].flatMap(nodesOf)];
  return reachable(roots).filter((node) => node.op === "loop");
}

/**
 * The nodes under `roots` in a graph of their own: operands of products are cast to floats, and sums of nothing become
 * what they begin with, so that no step runs over no elements and still has a result.
 */
function normalised(roots: readonly Node[]): Node[] {
  const graph = createGraph();
  const copies = new Map<Node, Node>();
  const filled = (value: number, float: boolean, shape: Shape) => {
    const constant = graph.constant(value, float);
    return shape.length === 0 ? constant : graph.make("broadcast", [constant], { shape });
  };
  for (const node of reachable(roots)) {
    const args = node.args.map((arg) => copies.get(arg)!);
    if (node.op === "matmul") {
      const floats = args.map((a) => (a.dtype === "f32" ? a : graph.make("cast", [a], { to: "float" })));
      const isEmpty = sizeOf(node.shape) > 0 && args.some((a) => sizeOf(a.shape) === 0);
      copies.set(node, isEmpty ? filled(0, true, node.shape) : graph.make("matmul", floats, node.attrs));
    } else if (Object.hasOwn(emptyReductions, node.op) && sizeOf(node.shape) > 0 && sizeOf(args[0].shape) === 0) {
      const float = node.dtype === "f32" || node.dtype === "f64";
      copies.set(node, filled(float ? emptyReductions[node.op] : 0, float, node.shape));
    } else copies.set(node, graph.make(node.op, args, node.attrs));
  }
  return roots.map((root) => copies.get(root)!);
}

/** Reductions of no elements; on integers 0. */
const emptyReductions: Readonly<Record<string, number>> = {
  reduce_sum: 0,
  reduce_max: Number.NEGATIVE_INFINITY,
  reduce_min: Number.POSITIVE_INFINITY,
  reduce_argmax: 0,
};

/** What is needed for the outputs, leaves first. */
function inOrder(outputs: readonly Node[], inputs: readonly Node[], bodies: ReadonlyMap<number, LoopBody>): Node[] {
  const leaves = new Set(inputs);
  const order: Node[] = [];
  const seen = new Set<Node>();
  const before = (node: Node): readonly Node[] => {
    if (leaves.has(node)) return [];
    return node.op === "loop" ? [...node.args, ...nodesOf(bodyOf(bodies, node))] : node.args;
  };
  const stack: { readonly node: Node; readonly needs: readonly Node[]; next: number }[] = [];
  const enter = (node: Node) => {
    if (seen.has(node)) return;
    seen.add(node);
    stack.push({ node, needs: before(node), next: 0 });
  };
  for (const root of [...outputs, ...inputs]) {
    enter(root);
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      if (top.next < top.needs.length) enter(top.needs[top.next++]);
      else order.push(stack.pop()!.node);
    }
  }
  return order;
}

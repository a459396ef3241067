/**
 * From units to steps. In: units in order, what is stored. Out: steps, buffers and kernels. A unit of kernel items is one
 * loop; what the loop cannot compute in place is noted (`refused`), and the compiler stores it and begins again.
 */
import { type Node, type StorageDtype, sizeOf } from "../ir/index.js";
import type { Kernel } from "../kernels/index.js";
import {
  domainOf,
  type Leaf,
  LoopBuilder,
  type LoopScope,
  laneOf,
  Materialise,
  sameElements,
  storageOf,
  stridedView,
} from "../schedule/index.js";
import type { Block, Blocks } from "./blocks.js";
import type { Item } from "./items.js";
import { bodyOf, type Prepared } from "./prepare.js";
import type { HostArgument, LoopState, LoopStep, MatrixView, ResidentStep, ValuePlace } from "./program.js";
import { nextStates } from "./state.js";
import type { Leaves, Stored } from "./stored.js";
import type { Unit } from "./units.js";

export interface EmittedBuffer {
  readonly dtype: StorageDtype;
  readonly elements: number;
  readonly reason: string;
}

export class Emitter implements LoopScope {
  readonly buffers: EmittedBuffer[] = [];
  readonly kernels: Kernel[] = [];
  /** Nodes that must be stored before the loops that use them, and those that may not share a loop with their users. */
  readonly refused: Stored = new Map();
  readonly apart = new Set<Node>();
  private readonly kernelByText = new Map<string, number>();
  private readonly leafBuffers = new Map<Node, number>();
  private readonly homes = new Map<Node, number>();
  private readonly states = new Map<Node, readonly ({ current: number; next: number | null } | null)[]>();
  private readonly resultsOf = new Map<Node, Node[]>();
  /** Nodes that the loop at hand stores. */
  private own: ReadonlySet<Node> = new Set();

  constructor(
    private readonly prepared: Prepared,
    private readonly blocks: Blocks,
    private readonly leaves: Leaves,
    private readonly stored: Stored,
    private readonly units: ReadonlyMap<Block, readonly Unit[]>,
  ) {
    for (const input of prepared.inputs) {
      if (input.shape.length === 0 || this.leafBuffers.has(input)) continue;
      const dtype = input.op === "input" ? (input.attrs.dtype as StorageDtype) : storageOf(input);
      this.leafBuffers.set(input, this.buffer(dtype, sizeOf(input.shape), "input"));
    }
    for (const node of prepared.order) {
      if (node.op === "loop_result")
        this.resultsOf.set(node.args[0], [...(this.resultsOf.get(node.args[0]) ?? []), node]);
      if (node.op === "loop") this.allocateState(node);
    }
  }

  private buffer(dtype: StorageDtype, elements: number, reason: string): number {
    return this.buffers.push({ dtype, elements, reason }) - 1;
  }

  private allocateState(loop: Node): void {
    const { variables } = bodyOf(this.prepared.bodies, loop);
    const states = nextStates(loop, this.prepared, this.blocks, this.leaves, this.stored).map((state, i) => {
      if (state === null) return null;
      const variable = variables[i];
      const fresh = () => this.buffer(storageOf(variable), sizeOf(variable.shape), "state of a loop");
      const current = fresh();
      this.leafBuffers.set(variable, current);
      const next = state.kind === "unchanged" ? null : fresh();
      if (state.kind === "made") this.homes.set(state.node, next!);
      return { current, next };
    });
    this.states.set(loop, states);
  }

  private readonly isStored = (node: Node) => this.stored.has(node) || this.leaves.has(node);

  /** The buffer that a stored node is written into. */
  private homeOf(node: Node): number {
    const known = this.homes.get(node);
    if (known !== undefined) return known;
    const made = this.buffer(storageOf(node), sizeOf(node.shape), this.stored.get(node)!);
    this.homes.set(node, made);
    return made;
  }

  private rawLeaf(node: Node): number | undefined {
    const known = this.leafBuffers.get(node);
    if (known !== undefined || node.op !== "loop_result") return known;
    return this.states.get(node.args[0])![node.attrs.index as number]?.current;
  }

  /** The buffer with the elements of a tensor that is stored, or a reshape of one. */
  private bufferOf(node: Node): number {
    const base = sameElements(node, this.isStored);
    return this.stored.has(base) ? this.homeOf(base) : this.rawLeaf(base)!;
  }

  leafOf(node: Node): Leaf | undefined {
    const isOwn = this.own.has(node);
    const buffer =
      this.stored.has(node) && !isOwn ? this.homeOf(node) : this.leaves.has(node) ? this.rawLeaf(node) : undefined;
    if (buffer === undefined) return undefined;
    const { dtype } = this.buffers[buffer];
    return { ref: { kind: "temp", index: buffer }, shape: node.shape, dtype, lane: laneOf(node), local: true };
  }

  read(): void {}

  /** Where an output or a log lies. */
  placeOf(node: Node): ValuePlace {
    if (node.shape.length === 0) return { kind: "number", node: node.id, dtype: node.dtype };
    const buffer = this.bufferOf(node);
    return { kind: "buffer", buffer, dtype: this.buffers[buffer].dtype, shape: node.shape };
  }

  /** Where a leaf that gets a value lies. */
  inputPlaceOf(node: Node): ValuePlace {
    if (node.shape.length === 0) return { kind: "number", node: node.id, dtype: node.dtype };
    const buffer = this.leafBuffers.get(node)!;
    return { kind: "buffer", buffer, dtype: this.buffers[buffer].dtype, shape: node.shape };
  }

  /** The steps of a block; of a loop those of one turn. */
  steps(block: Block): ResidentStep[] {
    const steps: ResidentStep[] = [];
    for (const unit of this.units.get(block) ?? []) {
      const step = unit.items[0].work.kind === "kernel" ? this.kernel(unit.items) : this.single(unit.items[0]);
      if (step === null) continue;
      const last = steps[steps.length - 1];
      if (step.kind === "host" && last?.kind === "host")
        steps[steps.length - 1] = { ...last, values: [...last.values, ...step.values] };
      else steps.push(step);
    }
    return steps;
  }

  private kernel(items: readonly Item[]): ResidentStep | null {
    const { box, split } = (items[0].work as Extract<Item["work"], { kind: "kernel" }>).domain;
    if (sizeOf(box) === 0) return null;
    const wants = items.map((item) => (item.work as Extract<Item["work"], { kind: "kernel" }>).want);
    this.own = new Set(wants.flatMap((want) => (want.kind === "store" ? [want.node] : [])));
    try {
      const loop = new LoopBuilder(this, box, split);
      for (const want of wants) {
        if (want.kind === "scalar") loop.reduce(want.node, want.of, want.fn);
        else if (want.kind === "column") loop.reduceColumns(want.node, want.of, want.fn);
        else if (want.kind === "store")
          loop.store(want.node, storageOf(want.node), { kind: "temp", index: this.homeOf(want.node) });
        else {
          const index = this.states.get(want.loop)![want.index]![want.which]!;
          loop.store(want.node, this.buffers[index].dtype, { kind: "temp", index });
        }
      }
      const { kernel, step } = loop.build();
      const indices = (refs: typeof step.inputs) => refs.map((ref) => (ref as { index: number }).index);
      const columns = wants.filter((want) => want.kind === "column");
      return {
        kind: "kernel",
        kernel: this.kernelNumber(kernel),
        domain: domainOf(kernel.flat, sizeOf(box.slice(0, split)), sizeOf(box.slice(split))),
        inputs: indices(step.inputs),
        outputs: indices(step.outputs),
        params: step.params,
        integers: step.integers,
        scalars: step.scalars,
        columns: step.columns.map(({ fn }, i) => ({ to: this.homeOf(columns[i].node), fn })),
      };
    } catch (request) {
      if (!(request instanceof Materialise)) throw request;
      if (!this.stored.has(request.node)) this.refused.set(request.node, request.reason);
      else if (items.length > 1) this.apart.add(request.node);
      else throw new Error(`${request.node.op} cannot be computed by a loop of its own`);
      return null;
    } finally {
      this.own = new Set();
    }
  }

  private kernelNumber(kernel: Kernel): number {
    const known = this.kernelByText.get(kernel.text);
    if (known !== undefined) return known;
    const number = this.kernels.push(kernel) - 1;
    this.kernelByText.set(kernel.text, number);
    return number;
  }

  private argument(node: Node): HostArgument {
    if (node.shape.length === 0) return { kind: "number", node: node.id, dtype: node.dtype };
    return { kind: "buffer", buffer: this.bufferOf(node), shape: node.shape, dtype: node.dtype };
  }

  private single({ node, work }: Item): ResidentStep | null {
    const { attrs, op, args, shape } = node;
    if (shape.length > 0 && sizeOf(shape) === 0) return null;
    switch (work.kind) {
      case "matmul":
        return this.matmul(node);
      case "row_rank": {
        const cols = shape[shape.length - 1];
        return {
          kind: "row_rank",
          rows: sizeOf(shape) / cols,
          cols,
          from: this.bufferOf(args[0]),
          to: this.homeOf(node),
        };
      }
      case "concat": {
        const axis = attrs.axis as number;
        const runs = args.map((arg) => sizeOf(arg.shape.slice(axis)));
        const from = args.map((arg) => this.bufferOf(arg));
        return { kind: "concat", outer: sizeOf(shape.slice(0, axis)), runs, from, to: this.homeOf(node) };
      }
      case "select":
        return {
          kind: "select",
          node: node.id,
          k: args[0].id,
          parts: args.slice(1).map((part) => this.argument(part)),
        };
      case "read":
        return { kind: "read", node: node.id, from: this.bufferOf(args[0]) };
      case "evaluate": {
        const result: HostArgument =
          shape.length === 0
            ? { kind: "number", node: node.id, dtype: node.dtype }
            : { kind: "buffer", buffer: this.homeOf(node), shape, dtype: node.dtype };
        return { kind: "evaluate", op, attrs, args: args.map((arg) => this.argument(arg)), result };
      }
      case "host":
        return { kind: "host", values: [{ node: node.id, op, args: args.map((a) => a.id), attrs, dtype: node.dtype }] };
      case "loop":
        return this.loop(node);
      case "kernel":
        throw new Error("a kernel is no single step");
    }
  }

  private matmul(node: Node): ResidentStep {
    const [a, b] = node.args;
    const batch = node.shape.slice(0, -2);
    const [m, n] = node.shape.slice(-2);
    const view = (arg: Node): MatrixView => {
      const { base, strides, offset } = stridedView(arg, this.isStored);
      const rank = arg.shape.length;
      const lead = batch.length - (rank - 2);
      return {
        buffer: this.stored.has(base) ? this.homeOf(base) : this.rawLeaf(base)!,
        offset,
        batch: batch.map((_, i) => (i < lead || arg.shape[i - lead] === 1 ? 0 : strides[i - lead])),
        row: strides[rank - 2],
        col: strides[rank - 1],
      };
    };
    const k = a.shape[a.shape.length - 1];
    return { kind: "matmul", batch, m, k, n, left: view(a), right: view(b), to: this.homeOf(node) };
  }

  private loop(node: Node): LoopStep {
    const body = bodyOf(this.prepared.bodies, node);
    const results = this.resultsOf.get(node) ?? [];
    const tensors = this.states.get(node)!;
    const state = body.variables.map((variable, i): LoopState => {
      const tensor = tensors[i];
      if (tensor !== null) return { kind: "tensor", ...tensor };
      const own = results.filter((result) => result.attrs.index === i).map((result) => result.id);
      return { kind: "number", initial: node.args[i].id, current: variable.id, next: body.results[i].id, results: own };
    });
    const count = node.attrs.count as number | undefined;
    return {
      kind: "loop",
      node: node.id,
      count: count ?? { node: node.args[body.variables.length].id },
      index: body.index.id,
      state,
      steps: this.steps(node),
      until: body.until === null ? null : body.until.id,
      logs: body.logs.map((log) => ({ name: log.name, place: this.placeOf(log.node) })),
    };
  }
}

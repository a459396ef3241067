/**
 * Scheduling: from the plan of a recipe to the program of tasks. Statistics and outputs of one place and one level share
 * a task, and within it a kernel, so that a pass reads every input byte once; thresholds have tasks of their own, since
 * they take rounds. Between tasks pass only rank-0 values, thresholds and column vectors.
 */
import type { Plan } from "../elaborate/index.js";
import { bytesOf, inputOf, isFloat, type Node, opRow, reachable, sizeOf } from "../ir/index.js";
import type { Kernel } from "../kernels/index.js";
import { runPasses } from "../passes/index.js";
import { fuse, type KernelTable, type Want } from "./fuse.js";
import { keepResults } from "./keep.js";
import { isColumn, isStatistic, Levels, PlaceNames } from "./levels.js";
import {
  domainOf,
  type FileTensor,
  type HostNode,
  type KeptResult,
  type Output,
  type Program,
  type Task,
  type Temp,
  type ThresholdInfo,
} from "./program.js";

/** A program and the rank-0 nodes of its reports and requirements, in their order. */
export interface Scheduled {
  readonly program: Program;
  /** For each node that was asked for, its number in the program. */
  readonly numberOf: (node: Node) => number;
  /** The optimised graph's roots, for `emit --stage ir`. */
  readonly roots: readonly Node[];
}

interface Asked {
  readonly node: Node;
  readonly output: { save: number; tensor: Plan["saves"][number]["tensors"][number] } | null;
  readonly checks: { changed: Node | null; change: Node | null; lost: Node | null; nonFinite: Node | null };
}

export function schedule(plan: Plan, extra: readonly Node[] = [], after?: string): Scheduled {
  const { graph } = plan;
  const asked: Asked[] = [];
  plan.saves.forEach((save, index) => {
    for (const tensor of save.tensors) {
      if (isCopy(tensor)) continue;
      asked.push({ node: tensor.node, output: { save: index, tensor }, checks: checksOf(graph, tensor) });
    }
  });
  const before = [
    ...asked.flatMap((a) => [a.node, ...Object.values(a.checks).filter((n): n is Node => n !== null)]),
    ...extra,
  ];
  const { roots: rewritten, values: kept } = keepResults(runPasses(before, after === undefined ? {} : { after }));
  const now = new Map(before.map((node, i) => [node, rewritten[i]]));
  const builder = new ScheduleBuilder(rewritten, kept);
  plan.saves.forEach((save, index) => {
    for (const tensor of save.tensors) {
      if (isCopy(tensor)) builder.copy(index, tensor);
    }
  });
  for (const { node, output, checks } of asked) {
    const renamed = (n: Node | null) => (n === null ? null : now.get(n)!);
    builder.output(output!.save, output!.tensor, now.get(node)!, {
      changed: renamed(checks.changed),
      change: renamed(checks.change),
      lost: renamed(checks.lost),
      nonFinite: renamed(checks.nonFinite),
    });
  }
  return { program: builder.finish(), numberOf: (node) => (now.get(node) ?? node).id, roots: rewritten };
}

type SavedTensor = Plan["saves"][number]["tensors"][number];

/** Untouched tensors that keep their dtype are copied byte for byte. */
function isCopy(tensor: SavedTensor): boolean {
  return tensor.node.op === "input" && inputOf(tensor.node).dtype === tensor.stored;
}

/** What the receipt says about a computed tensor, as ordinary statistics of the graph. */
function checksOf(graph: Plan["graph"], tensor: SavedTensor): Asked["checks"] {
  const { node, stored, reference } = tensor;
  if (!isFloat(stored) || sizeOf(node.shape) === 0) return { changed: null, change: null, lost: null, nonFinite: null };
  const axes = node.shape.map((_, i) => i);
  const sum = (x: Node) => graph.make("reduce_sum", [x], { axes, keep: false });
  const square = (x: Node) => graph.make("mul", [x, x]);
  const count = (x: Node) => sum(graph.make("cast", [x], { to: "float" }));
  const value = graph.make("cast", [node], { to: "float" });
  const kept = stored === "F32" || stored === "F64" ? value : graph.make("quantize", [value], { dtype: stored });
  const comparable =
    reference !== null &&
    sizeOf(reference.shape) === sizeOf(node.shape) &&
    String(reference.shape) === String(node.shape);
  return {
    changed: comparable ? count(graph.make("ne", [kept, reference])) : null,
    change: comparable ? sum(square(graph.make("sub", [kept, reference]))) : null,
    lost: kept === value ? null : sum(square(graph.make("sub", [kept, value]))),
    nonFinite: count(graph.make("not", [graph.make("is_finite", [kept])])),
  };
}

interface Group {
  readonly level: number;
  readonly place: string;
  readonly kind: Task["kind"];
  readonly wants: Want[];
  output: number | null;
}

class ScheduleBuilder {
  private readonly levels: Levels;
  private readonly names = new PlaceNames();
  private readonly kernels: Kernel[] = [];
  private readonly kernelByText = new Map<string, number>();
  private readonly outputs: Output[] = [];
  private readonly groups: Group[] = [];
  private readonly groupByKey = new Map<string, Group>();
  private readonly assigned = new Set<Node>();
  private readonly keptResults: KeptResult[] = [];

  constructor(
    private readonly roots: readonly Node[],
    private readonly kept: ReadonlyMap<Node, Node>,
  ) {
    this.levels = new Levels(kept);
  }

  copy(save: number, tensor: SavedTensor): void {
    this.outputs.push(
      outputOf(save, tensor, fileOf(tensor.node), { changed: null, change: null, lost: null, nonFinite: null }),
    );
  }

  output(save: number, tensor: SavedTensor, node: Node, checks: Asked["checks"]): void {
    const index = this.outputs.push(outputOf(save, tensor, null, checks)) - 1;
    if (sizeOf(node.shape) === 0) return;
    const level = this.levels.of(node);
    const place = this.names.of(node) || tensor.name;
    const group: Group = {
      level,
      place,
      kind: "output",
      wants: [{ kind: "store", node, dtype: tensor.stored }],
      output: index,
    };
    for (const check of Object.values(checks)) {
      if (check === null || !isStatistic(check) || this.assigned.has(check) || this.levels.of(check) !== level + 1)
        continue;
      group.wants.push(...this.wantsOf(check));
      this.assigned.add(check);
    }
    this.groups.push(group);
    const key = groupKey(level, place, node.shape.join(","), "statistics");
    if (!this.groupByKey.has(key)) this.groupByKey.set(key, group);
  }

  finish(): Program {
    const nodes = reachable([...this.kept.values(), ...this.roots]);
    for (const [stand, value] of this.kept) {
      const place = this.names.of(value);
      const wants: Want[] = [{ kind: "keep", node: value, stand }];
      this.groups.push({ level: this.levels.of(value), place, kind: "kept", wants, output: null });
    }
    const host = new Map<number, HostNode>();
    const thresholds: Node[] = [];
    for (const node of nodes) {
      if (node.shape.length === 0)
        host.set(node.id, {
          id: node.id,
          op: node.op,
          args: node.args.filter((a) => a.shape.length === 0).map((a) => a.id),
          attrs: node.attrs,
          dtype: node.dtype,
        });
      if (this.assigned.has(node)) continue;
      if (node.op === "threshold") thresholds.push(node);
      else if (isStatistic(node) || isColumn(node)) this.assign(node);
    }
    const partTasks = this.assignThresholds(thresholds);
    const tasks = this.groups.map((group, id) => this.task(group, id));
    const taskOf = new Map(this.groups.map((group, id) => [group, id]));
    const infos: ThresholdInfo[] = thresholds.map((node) => ({
      node: node.id,
      k: node.args[0].id,
      parts: node.args.slice(1).map((x) => sizeOf(x.shape)),
      tasks: [...new Set(partTasks.get(node)!.counting.map((g) => taskOf.get(g)!))],
      equals: [...new Set(partTasks.get(node)!.equals.map((g) => taskOf.get(g)!))],
    }));
    return {
      kernels: this.kernels,
      tasks,
      outputs: this.outputs,
      kept: this.keptResults,
      host,
      thresholds: infos,
      passes: tasks.length === 0 ? 0 : 1 + Math.max(...tasks.map((t) => t.level)),
    };
  }

  private assign(node: Node): void {
    const [of] = node.args;
    if (sizeOf(of.shape) === 0) return;
    this.groupFor(of, this.levels.of(of), "statistics").wants.push(...this.wantsOf(node));
    this.assigned.add(node);
  }

  private wantsOf(node: Node): Want[] {
    const [of] = node.args;
    const fn = node.op.replace("reduce_", "") as "sum" | "max" | "min" | "argmax";
    if (isColumn(node)) return [{ kind: "column", node, of, fn: fn as "sum" | "max" | "min" }];
    // The only element of a tensor is its largest.
    return [{ kind: "scalar", node, of, fn: opRow(node.op).fusion === "view" ? "max" : fn }];
  }

  /** Counting and tie tasks of all thresholds; parts of one place share them. */
  private assignThresholds(thresholds: readonly Node[]) {
    const tasks = new Map<Node, { counting: Group[]; equals: Group[] }>();
    for (const node of thresholds) {
      const level = this.levels.of(node) - 1;
      const counting: Group[] = [];
      const equals: Group[] = [];
      node.args.slice(1).forEach((of, part) => {
        if (sizeOf(of.shape) === 0) return;
        const count = this.groupFor(of, level, "thresholds");
        count.wants.push({ kind: "histogram", node, of, part });
        counting.push(count);
        const equal = this.groupFor(of, level, "equals");
        equal.wants.push({ kind: "equal", node, of, part });
        equals.push(equal);
      });
      tasks.set(node, { counting, equals });
    }
    return tasks;
  }

  private groupFor(of: Node, level: number, kind: Task["kind"]): Group {
    const place = this.names.of(of);
    const key = groupKey(level, place, of.shape.join(","), kind);
    let group = this.groupByKey.get(key);
    if (group === undefined) {
      group = { level, place, kind, wants: [], output: null };
      this.groupByKey.set(key, group);
      this.groups.push(group);
    }
    return group;
  }

  private task(group: Group, id: number): Task {
    const table: KernelTable = {
      index: (kernel) => {
        const known = this.kernelByText.get(kernel.text);
        if (known !== undefined) return known;
        const index = this.kernels.push(kernel) - 1;
        this.kernelByText.set(kernel.text, index);
        return index;
      },
    };
    const fused = fuse(group.wants, isColumn, table);
    const [first] = group.wants;
    const keeps = first.kind === "keep" ? this.keep(first.stand, fused) : null;
    return {
      id,
      place: group.place,
      level: group.level,
      kind: group.kind,
      domain: domainOf(fused.flat, fused.rows, fused.cols),
      whole: fused.whole,
      steps: fused.steps,
      files: fused.files,
      reads: fused.reads,
      temps: fused.temps,
      marks: fused.marks,
      needs: this.needs(group),
      output: group.output,
      keeps,
    };
  }

  /** A result that is kept: the last temp of its task. */
  private keep(stand: Node, { temps }: { readonly temps: readonly Temp[] }): number {
    const { name, dtype, elements } = fileOf(stand);
    const bytes = elements * bytesOf(dtype);
    return this.keptResults.push({ node: stand.id, name, bytes, temp: temps.length - 1 }) - 1;
  }

  /** Statistics and kept results that the expressions of a group use, directly or through rank-0 arithmetic. */
  private needs(group: Group): number[] {
    const found = new Set<number>();
    const seen = new Set<Node>();
    const visit = (node: Node, inside: boolean): void => {
      if (seen.has(node)) return;
      seen.add(node);
      if (inside && (isStatistic(node) || isColumn(node) || this.kept.has(node))) {
        found.add(node.id);
        return;
      }
      for (const arg of node.args) visit(arg, true);
    };
    for (const want of group.wants) {
      const root = want.kind === "store" || want.kind === "keep" ? want.node : want.of;
      visit(root, true);
      // How many elements a threshold keeps must be known before it is counted.
      if (want.kind === "histogram" || want.kind === "equal") visit(want.node.args[0], true);
    }
    return [...found];
  }
}

function groupKey(level: number, place: string, shape: string, kind: string): string {
  return `${level}\n${place}\n${shape}\n${kind}`;
}

function fileOf(node: Node): FileTensor {
  const { source, name, dtype, shape } = inputOf(node);
  return { source, name, dtype, elements: sizeOf(shape) };
}

function outputOf(save: number, tensor: SavedTensor, copy: FileTensor | null, checks: Asked["checks"]): Output {
  const id = (node: Node | null) => (node === null ? null : node.id);
  return {
    save,
    name: tensor.name,
    dtype: tensor.stored,
    shape: tensor.shape,
    copy,
    selected: tensor.selected,
    changed: id(checks.changed),
    change: id(checks.change),
    lost: id(checks.lost),
    nonFinite: id(checks.nonFinite),
  };
}

/**
 * Where an expression is evaluated: the names in scope, the place of a lifted call, the path of bindings (it keys
 * random draws and ties together the parts of a statistic over the model), and the chain of calls for messages.
 */
import { type Diagnostic, type DiagnosticParts, fail, type Label, type Span } from "../../grammar/index.js";
import { type Graph, type LateNode, type Node, type Shape, type StorageDtype, showShape } from "../ir/index.js";
import type { Place } from "../places/index.js";
import type { Given } from "./call.js";
import type { Build } from "./module.js";
import type { Session } from "./session.js";
import type { Group, TreeValue, Value } from "./value.js";

export interface Context {
  readonly session: Session;
  readonly graph: Graph;
  /** The file whose text the spans of the evaluated expressions refer to. */
  readonly file: string;
  readonly names: Names;
  /** The place of the innermost lifted call. */
  readonly here: Here | null;
  /** True in the condition of a `where` clause: `kind`, `role`, `name` .. stand for the fields of `here`. */
  readonly selector: boolean;
  readonly frame: Frame;
  readonly calls: readonly Label[];
  /** True in the body of a recipe, where load, save and report may stand. */
  readonly recipe: boolean;
  /** The tree that module instances add their tensors to; null outside. */
  readonly build: Build | null;
  /** Losses of the modules that were called: `value_and_grad` adds them. */
  readonly losses: Node[];
  /** What `..` passes on: the arguments of the function that is being run. */
  readonly passed?: ReadonlyMap<string, Given>;
  /** True inside the function whose gradient is taken: what modules know as `training`. */
  readonly training?: boolean;
  /** The innermost running loop. */
  readonly loop: LoopContext | null;
  /** What the call of a model that is being run carries along; absent outside of one. */
  readonly flow?: Flow;
  /** The hosts that share with the one whose adapter is being run. */
  readonly group?: Group;
  /** Arguments of all enclosing calls of modules by name: what a `side` field finds. */
  readonly sides?: ReadonlyMap<string, Given>;
  /** Who listens to the calls of modules, and where the one that is being heard publishes values (taps.ts). */
  readonly taps?: Taps;
  readonly emitted?: Map<string, Value>;
  /** Tensors of modules that were assigned to, by name: `assigned` collects them. */
  readonly assigned?: Map<string, Value>;
}

/** Listens to calls of modules; those in other loops than its own have tensors that it cannot have. */
export interface Taps {
  readonly loop: LoopContext | null;
  wants(tree: TreeValue): boolean;
  hear(path: string, value: Value): void;
}

/** What lives as long as one call of a model: carries by key, and what is done when the call ends. */
export interface Flow {
  readonly carried: Map<string, Value>;
  /** Losses of groups: each is computed once, after the last host has run. */
  readonly ends: Map<string, () => void>;
}

/** A name whose value may change while a module runs: a carry, a buffer, a state. */
export interface Cell {
  readonly read: () => Value;
  readonly write: (value: Value, span: Span) => void;
}

/** What a step of a running loop sees. */
export interface LoopContext {
  /** Number of the step, from 0: rank 0, i64. */
  readonly index: Node;
  readonly count: number;
  /** Number of the step among those of all enclosing loops: random draws are made anew for each. */
  readonly draw: Node;
  readonly logs: { name: string; node: Node }[];
}

/** The place of a lifted call: a tensor of the first model, with its shape and how it is stored. */
export interface Here {
  readonly place: Place;
  readonly shape: Shape;
  readonly stored: StorageDtype;
  readonly lift: Lift;
}

/** Names in scope: a chain of immutable-by-convention maps, innermost first. */
export interface Names {
  readonly own: Map<string, Value>;
  readonly outer: Names | null;
  readonly cells?: ReadonlyMap<string, Cell>;
}

/** One binding on the path; `counts` numbers the calls and draws of one name inside it. */
export interface Frame {
  readonly path: string;
  readonly counts: Map<string, number>;
}

/** What the places of one lifted call share. */
export interface Lift {
  /** Statistics over the model by key; every place adds its part. */
  readonly late: Map<string, LateEntry>;
  readonly places: number;
  /** Whether the body has looked at its place: it may then do something else elsewhere. */
  looked: boolean;
}

export interface LateEntry {
  readonly late: LateNode;
  readonly first: readonly Node[];
  readonly at: { readonly file: string; readonly span: Span };
  parts: number;
}

export function lookup(names: Names | null, name: string): Value | undefined {
  for (let n = names; n !== null; n = n.outer) {
    const value = n.own.get(name) ?? n.cells?.get(name)?.read();
    if (value !== undefined) return value;
  }
  return undefined;
}

export function namesIn(names: Names | null): string[] {
  const all: string[] = [];
  for (let n = names; n !== null; n = n.outer) all.push(...n.own.keys(), ...(n.cells?.keys() ?? []));
  return all;
}

/** A context with an inner scope of its own. */
export function inner(context: Context): Context {
  return { ...context, names: { own: new Map(), outer: context.names } };
}

/** A context one step further down the path of bindings. */
export function step(context: Context, name: string): Context {
  return {
    ...context,
    frame: { path: context.frame.path === "" ? name : `${context.frame.path}/${name}`, counts: new Map() },
  };
}

/** A path segment for the next call of `name` in this binding: `f`, then `f#1`, `f#2`. */
export function numbered(context: Context, name: string): string {
  const n = context.frame.counts.get(name) ?? 0;
  context.frame.counts.set(name, n + 1);
  return n === 0 ? name : `${name}#${n}`;
}

/** Stops with a diagnostic at a span; adds the calls that led here and the place. */
export function stop(context: Context, code: string, message: string, span: Span, parts: DiagnosticParts = {}): never {
  const notes = [...(parts.notes ?? [])];
  if (context.here !== null && context.here.place.name !== "") {
    notes.push(`found at the tensor ${JSON.stringify(context.here.place.name)} ${showShape(context.here.shape)}`);
  }
  return fail(
    code,
    message,
    { file: context.file, span },
    { ...parts, others: [...(parts.others ?? []), ...context.calls.slice(-3)], notes },
  );
}

/** Adds a warning to the session. */
export function warn(context: Context, diagnostic: Diagnostic): void {
  context.session.warnings.push(diagnostic);
}

/** Thrown when a poisoned value is used: its cause has been reported. */
export class Poisoned extends Error {
  constructor() {
    super("a value could not be computed");
    this.name = "Poisoned";
  }
}

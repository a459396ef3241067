/**
 * Values of the elaborator. Structure is static and fully known here: numbers, strings, lists, functions, the names and
 * shapes in a model. Only what a tensor holds is not: a tensor value is a node of the graph. Spec: spec/language.md.
 */
import type { Expr, FunctionDefinition, ModuleDefinition, Param } from "../../grammar/index.js";
import type { Table } from "../dataset/index.js";
import type { Node, StorageDtype } from "../ir/index.js";
import { showShape } from "../ir/index.js";
import type { Place } from "../places/index.js";
import type { Context } from "./context.js";
import type { AddedToken, ModelHeader } from "./session.js";

export type Scope = "row" | "column" | "tensor" | "model";

export type Value =
  | NumberValue
  | { readonly kind: "bool"; readonly value: boolean }
  | StringValue
  | { readonly kind: "none" }
  | ListValue
  | { readonly kind: "tuple"; readonly items: readonly Value[] }
  | RecordValue
  | TensorValue
  | RankValue
  | TreeValue
  | ScheduleValue
  | { readonly kind: "scope"; readonly scope: Scope }
  | { readonly kind: "dtype"; readonly dtype: StorageDtype }
  | { readonly kind: "range"; readonly from: number; readonly to: number }
  | ClosureValue
  | ModuleValue
  | TemplateValue
  | AdapterFileValue
  | MethodValue
  | TableValue
  | OptimizerFunction
  | { readonly kind: "definition"; readonly definition: FunctionDefinition; readonly module: string }
  | { readonly kind: "moduleDefinition"; readonly definition: ModuleDefinition; readonly module: string }
  | { readonly kind: "builtin"; readonly name: string }
  /** What a failed binding leaves behind; using it stays silent, the failure has been reported. */
  | { readonly kind: "poison" };

/** `words` are the options of the union it was declared with: bare words in the arms of a match stand for them. */
export interface StringValue {
  readonly kind: "string";
  readonly value: string;
  readonly words?: readonly string[];
}

export interface NumberValue {
  readonly kind: "number";
  readonly value: number;
  readonly integer: boolean;
}

export interface ListValue {
  readonly kind: "list";
  readonly items: readonly Value[];
}

export interface RecordValue {
  readonly kind: "record";
  readonly fields: ReadonlyMap<string, Value>;
  /** Fields that it lacks are none: a config, whose keys are not ours. */
  readonly open?: boolean;
}

/** A tensor or, with shape [], a running number. `axes` names its axes where a declared type did. */
export interface TensorValue {
  readonly kind: "tensor";
  readonly node: Node;
  readonly space: "weight" | "tensor";
  readonly axes: readonly (string | null)[] | null;
}

/** `rank(x, over)` with a scope wider than a row: only comparisons can use it. */
export interface RankValue {
  readonly kind: "rank";
  readonly of: TensorValue;
  readonly over: "tensor" | "model";
}

/** A model, or a tree of values by place. `donor` is the checkpoint that config, tokenizer and dtypes come from. */
export interface TreeValue {
  readonly kind: "tree";
  readonly leaves: ReadonlyMap<string, Leaf>;
  readonly donor: Donor | null;
  /** Where the tree came from, for messages: a path or the name of a call. */
  readonly origin: string;
  /** The module whose parameters the leaves are; null for plain trees. A view of a part has all leaves of its root. */
  readonly module: ModuleValue | null;
  /** Adapters by the path of the module that they wrap, in the order of attaching. */
  readonly attached: ReadonlyMap<string, readonly ModuleValue[]>;
}

/** The structure of a module instance; its tensors are the leaves of the tree that holds it. */
export interface ModuleValue {
  readonly kind: "module";
  readonly definition: ModuleDefinition;
  readonly file: string;
  /** Names of its tensors begin with this and a dot; empty at the root. */
  readonly path: string;
  /** Arguments and the lengths that shapes have bound. */
  readonly statics: ReadonlyMap<string, Value>;
  /** Tensors by the name of their field. */
  readonly fields: ReadonlyMap<string, string>;
  /** Fields whose matrix is stored the other way round. */
  readonly transposed?: ReadonlySet<string>;
  /** Modules, lists and records of them, by name. */
  readonly children: ReadonlyMap<string, Value>;
  /** The module that an adapter wraps. */
  readonly host: ModuleValue | null;
  /** Of an adapter that was read from a file: the `id` of that. */
  readonly origin?: string;
  /** Of a part that hosts an adapter: the function's name; the rest is that of its module, but for the path. */
  readonly part?: string;
  /** One tensor as a host; `path` is its name. */
  readonly single?: boolean;
  /** Of a host: its number in its group. */
  readonly index?: number;
  /** Of an adapter and what is inside: the hosts it shares with. */
  readonly group?: Group;
  /** Of a module inside an adapter: its path from the adapter's, as in ".bank.0". */
  readonly within?: string;
  /** Of a part that has adapters of its own: as in a tree. */
  readonly attached?: TreeValue["attached"];
  /** Made from its stored form. */
  readonly loaded?: boolean;
  /** Of a host without its base: whether all modules of the base that end in its last name are hosts. */
  readonly bare?: { readonly byLastName: boolean };
}

/** The hosts of one attach that share tensors and carries; without `group by`, all of them. */
export interface Group {
  /** Tells the groups of one model apart. */
  readonly id: string;
  /** Where tensors that the group shares stand. */
  readonly path: string;
  readonly hosts: readonly ModuleValue[];
  /** The module that was attached to: its carries begin anew with each call of it. */
  readonly root: string;
  /** All hosts of the attach as a group; null where this is it. */
  readonly all: Group | null;
  /** What is shared and has been made, by name. */
  readonly made: Map<string, string | Value>;
}

/** A definition with arguments that waits for its place: an adapter for hosts, an optimizer for parameters. */
export interface TemplateValue {
  readonly kind: "template";
  readonly definition: ModuleDefinition;
  readonly file: string;
  readonly given: ReadonlyMap<string, Value>;
  /** Of an adapter: first values of its own tensors, by field. */
  readonly first?: ReadonlyMap<string, Value>;
  /** Of an optimizer inside another one: its state at this place, which `update` replaces. */
  readonly state?: Map<string, Value>;
}

/** A saved adapter, before it is attached: the definitions that fit it are known when its hosts are. */
export interface AdapterFileValue {
  readonly kind: "adapterFile";
  readonly header: ModelHeader;
}

/** `init` or `step` of an optimizer; `update` of one inside another. */
export interface OptimizerFunction {
  readonly kind: "optimizerFunction";
  readonly of: TemplateValue;
  readonly name: "init" | "step" | "update";
}

/** A table of a data set, and the splits of the set by name. `source` identifies it. */
export interface TableValue {
  readonly kind: "table";
  readonly table: Table;
  readonly splits: ReadonlyMap<string, Table>;
  /** Begins the sources of its columns' input nodes. */
  readonly source: string;
  /** What the recipe calls it: keys the order of its rows, so that no path of this machine does. */
  readonly label: string;
}

/** A function of a module instance, bound to it. */
export interface MethodValue {
  readonly kind: "method";
  readonly of: TreeValue;
  readonly name: string;
}

export interface Leaf {
  readonly value: Value;
  readonly place: Place;
  /** How the donor stores it. */
  readonly stored: StorageDtype;
  /** Stored with rank 0; computed with as a vector of one element, since rank-0 values live on the host. */
  readonly scalar: boolean;
  /** The tensor that a saved result is compared with: the first Weight argument's. */
  readonly reference: Node | null;
  /** Computed by a call that selected this place (not carried along unchanged). */
  readonly selected: boolean;
  /** Belongs to an adapter: trained unless the recipe says otherwise, and saved by itself. */
  readonly adapter?: boolean;
  /** Of the base model, and trains and is saved with its adapters; stays when they are fused. */
  readonly tuned?: boolean;
  /** Of what is saved with adapters: its name in their file. */
  readonly file?: string;
  /** A tensor that no gradient trains: saved, drawn anew, or kept only while training. */
  readonly role?: "buffer" | "seeded" | "state";
  /** Never trains by itself. */
  readonly frozen?: boolean;
}

/** `config`: entries of its config, by dotted path, that the tree needs otherwise than the checkpoint has them. */
export interface Donor {
  readonly id: string;
  readonly path: string;
  readonly config?: ReadonlyMap<string, unknown>;
  /** The checkpoint whose tokenizer the model has, and the tokens that it gets besides. */
  readonly tokenizer?: { readonly source: string; readonly added: readonly AddedToken[] };
}

/** A number, or another value, that depends on the place: `by depth { .. }` and arithmetic on it. */
export interface ScheduleValue {
  readonly kind: "schedule";
  readonly at: (context: Context) => Value;
  /** Depends on the step of a loop and on no place. */
  readonly ofStep?: true;
}

export interface ClosureValue {
  readonly kind: "closure";
  readonly params: readonly Param[];
  readonly body: Extract<Expr, { kind: "lambda" }>["body"];
  readonly context: Context;
}

export const none: Value = { kind: "none" };

export function int(value: number): NumberValue {
  return { kind: "number", value, integer: true };
}

export function float(value: number): NumberValue {
  return { kind: "number", value, integer: false };
}

export function bool(value: boolean): Value {
  return { kind: "bool", value };
}

export function text(value: string): Value {
  return { kind: "string", value };
}

export function list(items: readonly Value[]): ListValue {
  return { kind: "list", items };
}

export function tensor(
  node: Node,
  space: TensorValue["space"] = "tensor",
  axes: TensorValue["axes"] = null,
): TensorValue {
  return { kind: "tensor", node, space, axes };
}

/** A tree without a module. */
export function plainTree(leaves: ReadonlyMap<string, Leaf>, donor: Donor | null, origin: string): TreeValue {
  return { kind: "tree", leaves, donor, origin, module: null, attached: new Map() };
}

/** What a message calls a value: "Weight[64, 32]", "Int 3", "a list of 2". */
export function describe(value: Value): string {
  switch (value.kind) {
    case "number":
      return `${value.integer ? "Int" : "Float"} ${value.value}`;
    case "bool":
      return `Bool ${value.value}`;
    case "string":
      return `"${value.value}"`;
    case "none":
      return "none";
    case "list":
      return `a list of ${value.items.length}`;
    case "tuple":
      return `(${value.items.map(describe).join(", ")})`;
    case "record":
      return `a record of ${[...value.fields.keys()].join(", ")}`;
    case "tensor":
      if (value.node.shape.length === 0) return value.node.dtype === "bool" ? "a running Bool" : "a running number";
      return `${value.space === "weight" ? "Weight" : "Tensor"}${showShape(value.node.shape)}`;
    case "rank":
      return `ranks over a ${value.over}`;
    case "tree":
      return `Model ${value.origin}`;
    case "schedule":
      return "a schedule";
    case "scope":
      return `Scope ${value.scope}`;
    case "dtype":
      return `Dtype ${value.dtype}`;
    case "range":
      return `the range ${value.from}..${value.to}`;
    case "closure":
      return "a function";
    case "definition":
      return `the ${value.definition.kind} ${value.definition.name.text}`;
    case "moduleDefinition":
      return `the ${value.definition.kind} ${value.definition.name.text}`;
    case "builtin":
      return `the builtin function ${value.name}`;
    case "module":
      return `the ${value.definition.kind} ${value.definition.name.text}`;
    case "template":
      return `the ${value.definition.kind} ${value.definition.name.text}`;
    case "adapterFile":
      return `the adapter ${value.header.path}`;
    case "optimizerFunction":
      return `the function ${value.name} of an optimizer`;
    case "table":
      return "a table of a data set";
    case "method":
      return `the function ${value.name} of ${value.of.origin}`;
    case "poison":
      return "a value that could not be computed";
  }
}

/** Visits a value and everything inside lists, tuples and records. */
export function* parts(value: Value): Generator<Value> {
  yield value;
  if (value.kind === "list" || value.kind === "tuple") for (const item of value.items) yield* parts(item);
  if (value.kind === "record") for (const field of value.fields.values()) yield* parts(field);
}

/** Rebuilds lists, tuples and records with their inner values replaced. */
export function mapParts(value: Value, f: (v: Value) => Value): Value {
  switch (value.kind) {
    case "list":
      return list(value.items.map((v) => mapParts(v, f)));
    case "tuple":
      return { kind: "tuple", items: value.items.map((v) => mapParts(v, f)) };
    case "record":
      return { ...value, fields: new Map([...value.fields].map(([k, v]) => [k, mapParts(v, f)])) };
    default:
      return f(value);
  }
}

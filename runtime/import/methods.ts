/**
 * The table that says how a foreign tool's methods are called here: data beside the standard library, so that no code knows
 * a method. In: the name of the table. Out: its rows. The table's own first line explains the columns.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { standardLibraryFolder } from "../installation/index.js";

export interface Parameter {
  /** Name of the argument. */
  readonly as: string;
  readonly type: "number" | "bool";
  /** The foreign tool's default; absent: it must be given. */
  readonly default?: number | boolean;
  /** The definition's own default, where it is another. */
  readonly std?: number | boolean;
  /** Words for true and false. */
  readonly values?: Readonly<Record<string, string>>;
}

/** One argument that several switches decide together. */
export interface Choice {
  readonly of: Readonly<Record<string, boolean>>;
  /** By the switches' values in their order, as in "true false". */
  readonly values: Readonly<Record<string, string>>;
  readonly std: string;
}

export interface Method {
  /** Name of the definition. */
  readonly use: string;
  readonly base: "model" | "first" | "named";
  readonly models: "list" | "one";
  readonly each?: Readonly<Record<string, Parameter>>;
  readonly all?: Readonly<Record<string, Parameter>>;
  readonly choices?: Readonly<Record<string, Choice>>;
  /** Why a parameter has no effect. */
  readonly unused?: Readonly<Record<string, string>>;
  /** Without parameters its result is the model itself. */
  readonly copies?: boolean;
  readonly random?: boolean;
}

export interface MethodTable {
  readonly methods: ReadonlyMap<string, Method>;
  /** Names of parameters of any method. */
  readonly parameters: ReadonlySet<string>;
  /** The tool's names of number formats → ours. */
  readonly dtypes: ReadonlyMap<string, string>;
  /** The key of an adapter that is folded into a model. */
  readonly adapter: string;
}

/** Reads the table of a tool, `compiler/std/import/NAME.json`. */
export function methodTable(name: string): MethodTable {
  const file = path.join(standardLibraryFolder(), "import", `${name}.json`);
  const { methods, dtypes, adapter } = JSON.parse(fs.readFileSync(file, "utf8")) as {
    readonly methods: Readonly<Record<string, Method>>;
    readonly dtypes: Readonly<Record<string, string>>;
    readonly adapter: string;
  };
  const keysOf = (m: Method) => [
    ...Object.keys(m.each ?? {}),
    ...Object.keys(m.all ?? {}),
    ...Object.keys(m.unused ?? {}),
    ...Object.values(m.choices ?? {}).flatMap((c) => Object.keys(c.of)),
  ];
  return {
    methods: new Map(Object.entries(methods)),
    parameters: new Set(Object.values(methods).flatMap(keysOf)),
    dtypes: new Map(Object.entries(dtypes)),
    adapter,
  };
}

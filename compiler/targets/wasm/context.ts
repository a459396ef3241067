/**
 * What the parts of the code generator share while one kernel is written: the function `run`, its variables for the
 * call, where uniform and row values lie, and the helper functions asked for. A *step* is one turn of an element loop:
 * `vectors` vectors of four elements each, side by side.
 */
import type { Kernel } from "../../kernels/index.js";
import {
  type Code,
  call,
  get,
  type Import,
  type Local,
  lane,
  local,
  op,
  type Type,
  type WasmFunction,
} from "./code.js";
import type { Frame } from "./frame.js";

/** Writes a helper function; it may ask for others. */
export type Helper = (needs: Needs) => WasmFunction;

/** The functions beside `run`, by name. */
export interface Needs {
  readonly imports: Map<string, Import>;
  readonly functions: Map<string, WasmFunction>;
}

export interface Context {
  readonly kernel: Kernel;
  readonly frame: Frame;
  readonly fn: WasmFunction;
  readonly needs: Needs;
  /** Vectors a step. */
  readonly vectors: number;
  readonly base: Local;
  readonly first: Local;
  readonly count: Local;
  readonly cols: Local;
  readonly block: Local;
  readonly inputs: readonly Local[];
  readonly outputs: readonly Local[];
  /** Addresses of results by number of the root. */
  readonly results: readonly Local[];
  /** The row (counted from the call's first) and the number of its first element; for flat kernels both are 0. */
  readonly row: Local;
  readonly rowStart: Local;
  /** The block (counted from the call's first). */
  readonly blockIndex: Local;
  /** By instruction: a uniform or row value in all four lanes. */
  readonly splats: Map<number, Local>;
  /** By instruction: a row value of lane f32, as f64. */
  readonly wide: Map<number, Local>;
}

export interface Step {
  readonly out: Code[];
  /** Column of the first element (flat: its number in the call), and its number in the call. */
  readonly column: Local;
  readonly index: Local;
  /** The number of elements left when they do not fill the step; else null. */
  readonly remaining: Local | null;
  /** In the last step: which lanes count, a vector each. */
  readonly masks: readonly Local[];
  /** By instruction: the vectors of its value. */
  readonly values: Map<number, readonly Local[]>;
  /** Things computed once a step, by name. */
  readonly shared: Map<string, readonly Local[]>;
}

/** A variable of `run` that holds `value`, set by a statement in `out`. */
export function keep(context: Pick<Context, "fn">, out: Code[], type: Type, value: Code): Local {
  const variable = local(context.fn, type);
  out.push({ op: "local.set", args: [value], immediates: [variable.index] });
  return variable;
}

/** Calls a helper function, which is written on its first use. */
export function callHelper(needs: Needs, name: string, write: Helper, ...args: Code[]): Code {
  if (!needs.functions.has(name)) {
    const fn = write(needs);
    needs.functions.set(name, fn);
  }
  return call(name, ...args);
}

/** Calls a function of JavaScript's Math on f64. */
export function callMath(needs: Needs, name: string, ...args: Code[]): Code {
  needs.imports.set(name, { module: "math", name, params: args.map(() => "f64"), results: ["f64"] });
  return call(`math.${name}`, ...args);
}

/** A row or uniform value of lane f32 as f64. */
export function wideValue(context: Context, instr: number): Code {
  const variable = context.wide.get(instr);
  if (variable !== undefined) return get(variable);
  return op("f64.promote_f32", lane("f32x4.extract_lane", 0, get(context.splats.get(instr)!)));
}

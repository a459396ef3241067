/**
 * WebAssembly as values: instruction trees, functions, modules. A tree is an instruction with the trees of its operands;
 * `encode.ts` writes it as bytes and `print.ts` as text. The short constructors here are the vocabulary of the code
 * generator: `add` of trees is written `op("f32x4.add", a, b)`.
 */

export type Type = "i32" | "i64" | "f32" | "f64" | "v128";

/** What stands in the instruction itself: numbers, the name of a function, sixteen bytes, a 64-bit number. */
export type Immediate = number | bigint | string | readonly number[];

/** An instruction with its operands; `body` and `otherwise` are the statements of block, loop and if. */
export interface Code {
  readonly op: string;
  readonly args: readonly Code[];
  readonly immediates: readonly Immediate[];
  readonly body?: readonly Code[];
  readonly otherwise?: readonly Code[];
}

export interface Local {
  readonly index: number;
  readonly type: Type;
}

export interface Signature {
  readonly params: readonly Type[];
  readonly results: readonly Type[];
}

/** A function while it is written: `local` adds a variable. */
export interface WasmFunction extends Signature {
  readonly name: string;
  readonly locals: Type[];
  readonly body: Code[];
}

/** An imported function; code calls it by `module.name`. */
export interface Import extends Signature {
  readonly module: string;
  readonly name: string;
}

/** One imported memory ("m" "memory"), imported functions, own functions; `run` is exported. */
export interface Module {
  readonly imports: readonly Import[];
  readonly functions: readonly WasmFunction[];
}

export function newFunction(name: string, params: readonly Type[], results: readonly Type[]): WasmFunction {
  return { name, params, results, locals: [], body: [] };
}

/** A new variable of a function. */
export function local(fn: WasmFunction, type: Type): Local {
  fn.locals.push(type);
  return { index: fn.params.length + fn.locals.length - 1, type };
}

export function param(fn: WasmFunction, index: number): Local {
  return { index, type: fn.params[index] };
}

export function op(name: string, ...args: Code[]): Code {
  return { op: name, args, immediates: [] };
}

export function get(variable: Local): Code {
  return { op: "local.get", args: [], immediates: [variable.index] };
}

export function set(variable: Local, value: Code): Code {
  return { op: "local.set", args: [value], immediates: [variable.index] };
}

export function tee(variable: Local, value: Code): Code {
  return { op: "local.tee", args: [value], immediates: [variable.index] };
}

/** Sets several variables from an instruction with several results. */
export function setAll(variables: readonly Local[], value: Code): Code[] {
  const pops = variables.toReversed().map((v): Code => ({ op: "local.set", args: [], immediates: [v.index] }));
  return [value, ...pops];
}

export function i32(value: number): Code {
  return { op: "i32.const", args: [], immediates: [value | 0] };
}

export function i64(value: bigint): Code {
  return { op: "i64.const", args: [], immediates: [value] };
}

export function f64(value: number): Code {
  return { op: "f64.const", args: [], immediates: [value] };
}

function constant(bytes: ArrayBuffer): Code {
  return { op: "v128.const", args: [], immediates: [[...new Uint8Array(bytes)]] };
}

/** Four lanes of 32 bits; one number for all, or four. */
export function i32x4(...lanes: number[]): Code {
  return constant(Int32Array.from({ length: 4 }, (_, i) => lanes[i % lanes.length] | 0).buffer);
}

export function f32x4(...lanes: number[]): Code {
  return constant(Float32Array.from({ length: 4 }, (_, i) => lanes[i % lanes.length]).buffer);
}

export function f64x2(...lanes: number[]): Code {
  return constant(Float64Array.from({ length: 2 }, (_, i) => lanes[i % lanes.length]).buffer);
}

/** An instruction on a lane: extract_lane, replace_lane. */
export function lane(name: string, index: number, ...args: Code[]): Code {
  return { op: name, args, immediates: [index] };
}

/** Bytes of two vectors (0..15 of `a`, 16..31 of `b`). */
export function shuffle(a: Code, b: Code, bytes: readonly number[]): Code {
  return { op: "i8x16.shuffle", args: [a, b], immediates: [bytes] };
}

/** 32-bit words of two vectors (0..3 of `a`, 4..7 of `b`). */
export function words(a: Code, b: Code, ...order: number[]): Code {
  return shuffle(
    a,
    b,
    order.flatMap((w) => [4 * w, 4 * w + 1, 4 * w + 2, 4 * w + 3]),
  );
}

/** A load or store at a byte address plus a constant; alignment is never promised. */
export function at(name: string, offset: number, address: Code, ...value: Code[]): Code {
  return { op: name, args: [address, ...value], immediates: [0, offset] };
}

/** A store of one lane. */
export function storeLane(name: string, offset: number, index: number, address: Code, value: Code): Code {
  return { op: name, args: [address, value], immediates: [0, offset, index] };
}

export function call(name: string, ...args: Code[]): Code {
  return { op: "call", args, immediates: [name] };
}

export function when(condition: Code, body: readonly Code[], otherwise?: readonly Code[]): Code {
  return { op: "if", args: [condition], immediates: [], body, otherwise };
}

/** Runs the body while the condition holds; the condition is tested before each turn. */
export function repeatWhile(condition: Code, body: readonly Code[]): Code {
  const again: Code = { op: "br_if", args: [condition], immediates: [0] };
  return when(condition, [{ op: "loop", args: [], immediates: [], body: [...body, again] }]);
}

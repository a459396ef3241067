/**
 * The binary writer: a module of instruction trees → the bytes of a WebAssembly module (core specification 2.0,
 * "Binary format"). Operands stand before their instruction; functions are numbered imports first.
 */
import type { Code, Immediate, Module, Signature, Type, WasmFunction } from "./code.js";
import { opcode } from "./opcodes.js";

const typeCodes: Record<Type, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };
const pagesOfFourGigabytes = 65536;

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}

function signed(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    const done = (rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0);
    bytes.push(done ? low : low | 0x80);
    if (done) return bytes;
  }
}

function text(name: string): number[] {
  const bytes = [...new TextEncoder().encode(name)];
  return [...unsigned(bytes.length), ...bytes];
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function immediate(op: string, value: Immediate, functions: ReadonlyMap<string, number>): readonly number[] {
  if (typeof value === "string") return unsigned(functions.get(value)!);
  if (typeof value === "bigint") return signed(value);
  if (typeof value === "object") return value;
  if (op === "i32.const") return signed(BigInt(value));
  if (op === "f64.const") return [...new Uint8Array(Float64Array.of(value).buffer)];
  return unsigned(value);
}

const isBlock = (op: string) => op === "block" || op === "loop" || op === "if";
const noResult = 0x40;

function writeCode(code: Code, functions: ReadonlyMap<string, number>, out: number[]): void {
  for (const arg of code.args) writeCode(arg, functions, out);
  out.push(...opcode(code.op));
  if (isBlock(code.op)) {
    out.push(noResult);
    for (const statement of code.body ?? []) writeCode(statement, functions, out);
    if (code.otherwise !== undefined) {
      out.push(...opcode("else"));
      for (const statement of code.otherwise) writeCode(statement, functions, out);
    }
    out.push(...opcode("end"));
    return;
  }
  for (const value of code.immediates) out.push(...immediate(code.op, value, functions));
  if (code.op === "memory.copy") out.push(0, 0);
}

function writeFunction(fn: WasmFunction, functions: ReadonlyMap<string, number>): number[] {
  const runs: [Type, number][] = [];
  for (const type of fn.locals) {
    const last = runs.at(-1);
    if (last !== undefined && last[0] === type) last[1] += 1;
    else runs.push([type, 1]);
  }
  const body = vector(runs.map(([type, count]) => [...unsigned(count), typeCodes[type]]));
  for (const statement of fn.body) writeCode(statement, functions, body);
  body.push(...opcode("end"));
  return [...unsigned(body.length), ...body];
}

/** The bytes of a module, ready for `new WebAssembly.Module`. With `shared` it takes a memory that threads share. */
export function encodeModule(module: Module, options: { readonly shared?: boolean } = {}): Uint8Array {
  const all: readonly Signature[] = [...module.imports, ...module.functions];
  const names = [...module.imports.map((fn) => `${fn.module}.${fn.name}`), ...module.functions.map((fn) => fn.name)];
  const numbers = new Map(names.map((name, i) => [name, i]));
  const codes = (types: readonly Type[]) => vector(types.map((t) => [typeCodes[t]]));
  const types = all.map((fn) => [0x60, ...codes(fn.params), ...codes(fn.results)]);
  const memory = [
    ...text("m"),
    ...text("memory"),
    0x02,
    options.shared === true ? 0x03 : 0x01,
    ...unsigned(1),
    ...unsigned(pagesOfFourGigabytes),
  ];
  const imports = module.imports.map((fn, i) => [...text(fn.module), ...text(fn.name), 0x00, ...unsigned(i)]);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector(types)),
    ...section(2, vector([memory, ...imports])),
    ...section(3, vector(module.functions.map((_, i) => unsigned(module.imports.length + i)))),
    ...section(7, vector([[...text("run"), 0x00, ...unsigned(numbers.get("run")!)]])),
    ...section(10, vector(module.functions.map((fn) => writeFunction(fn, numbers)))),
  ]);
}

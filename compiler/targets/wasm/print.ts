/**
 * The text of a module, in folded WebAssembly text format: operands stand inside their instruction, so a statement
 * reads as an expression. In: a module of instruction trees. Out: lines of text, for `emit --stage wasm`.
 */
import type { Code, Immediate, Module, Signature, WasmFunction } from "./code.js";

const widest = 110;

function immediateText(op: string, value: Immediate): string {
  if (typeof value === "object") {
    if (op === "i8x16.shuffle") return value.join(" ");
    const lanes = new Int32Array(Uint8Array.from(value).buffer);
    return `i32x4 ${[...lanes].map((x) => `0x${(x >>> 0).toString(16).padStart(8, "0")}`).join(" ")}`;
  }
  if (op.startsWith("local.") || op === "call") return `$${value}`;
  if (op === "f64.const") return Number.isNaN(value) ? "nan" : String(value).replace("Infinity", "inf");
  return String(value);
}

function headText(code: Code): string {
  if (code.op.includes(".load") || code.op.includes(".store")) {
    const [, offset, index] = code.immediates;
    return [code.op, offset === 0 ? "" : `offset=${offset}`, index ?? ""].filter((part) => part !== "").join(" ");
  }
  return [code.op, ...code.immediates.map((value) => immediateText(code.op, value))].join(" ");
}

function codeLines(code: Code, indent: string): string[] {
  const deeper = `${indent}  `;
  const head = headText(code);
  if (code.body !== undefined) {
    const condition = code.args.flatMap((arg) => codeLines(arg, deeper));
    const body = code.body.flatMap((statement) => codeLines(statement, code.op === "if" ? `${deeper}  ` : deeper));
    if (code.op !== "if") return [`${indent}(${head}`, ...condition, ...body, `${indent})`];
    const otherwise = code.otherwise?.flatMap((statement) => codeLines(statement, `${deeper}  `));
    const elsePart = otherwise === undefined ? [] : [`${deeper}(else`, ...otherwise, `${deeper})`];
    return [`${indent}(if`, ...condition, `${deeper}(then`, ...body, `${deeper})`, ...elsePart, `${indent})`];
  }
  const args = code.args.map((arg) => codeLines(arg, deeper));
  const oneLine = `${indent}(${[head, ...args.map((lines) => lines[0].trim())].join(" ")})`;
  if (args.every((lines) => lines.length === 1) && oneLine.length <= widest) return [oneLine];
  return [`${indent}(${head}`, ...args.flat(), `${indent})`];
}

function signatureText(fn: Signature): string {
  const params = fn.params.length > 0 ? ` (param ${fn.params.join(" ")})` : "";
  const results = fn.results.length > 0 ? ` (result ${fn.results.join(" ")})` : "";
  return params + results;
}

function functionLines(fn: WasmFunction): string[] {
  const first = fn.params.length;
  const locals = fn.locals.map((type, i) => `(local $${first + i} ${type})`);
  const rows: string[] = [];
  for (let i = 0; i < locals.length; i += 5) rows.push(`    ${locals.slice(i, i + 5).join(" ")}`);
  const exported = fn.name === "run" ? ' (export "run")' : "";
  const body = fn.body.flatMap((statement) => codeLines(statement, "    "));
  return [`  (func $${fn.name}${exported}${signatureText(fn)}`, ...rows, ...body, "  )"];
}

/** The module as text. */
export function printModule(module: Module): string {
  const imports = module.imports.map(
    (fn) => `  (import "${fn.module}" "${fn.name}" (func $${fn.module}.${fn.name}${signatureText(fn)}))`,
  );
  const memory = '  (import "m" "memory" (memory 1 65536))';
  return ["(module", memory, ...imports, ...module.functions.flatMap(functionLines), ")", ""].join("\n");
}

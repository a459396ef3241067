/** Safetensors files made byte by byte, in folders that go away with the process, for the tests beside this file. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as assert from "uvu/assert";
import { type Diagnostic, PeftError } from "../../../grammar/index.js";

const root = fs.mkdtempSync(path.join(os.tmpdir(), "peftc-checkpoint-"));
process.on("exit", () => fs.rmSync(root, { recursive: true, force: true }));
let folders = 0;

/** A fresh empty folder. */
export function freshFolder(): string {
  const folder = path.join(root, String(folders++));
  fs.mkdirSync(folder);
  return folder;
}

/** Length, text and data as they would lie in a file. */
export function safetensorsBytes(header: string | Uint8Array, data: number | Uint8Array = 0): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const bytes = typeof data === "number" ? Uint8Array.from({ length: data }, (_, i) => i & 255) : data;
  const file = new Uint8Array(8 + text.length + bytes.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  file.set(bytes, 8 + text.length);
  return file;
}

/** One byte a character: for bytes that are no UTF-8. */
export function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Arrays one after the other. */
export function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** Writes a file into a fresh folder and gives its path. */
export function fileOf(bytes: Uint8Array | string, name = "model.safetensors"): string {
  const file = path.join(freshFolder(), name);
  fs.writeFileSync(file, bytes);
  return file;
}

/** A header text for f32 tensors that lie one after the other, and the bytes of their data. */
export function f32Header(shapes: readonly (readonly [string, readonly number[]])[]): { text: string; bytes: number } {
  let end = 0;
  const entries = shapes.map(([name, shape]) => {
    const begin = end;
    end += 4 * shape.reduce((a, b) => a * b, 1);
    return `${JSON.stringify(name)}:{"dtype":"F32","shape":[${shape}],"data_offsets":[${begin},${end}]}`;
  });
  return { text: `{${entries.join(",")}}`, bytes: end };
}

/** Writes f32 tensors to a file. */
export function writeTensors(file: string, shapes: readonly (readonly [string, readonly number[]])[]): void {
  const { text, bytes } = f32Header(shapes);
  fs.writeFileSync(file, safetensorsBytes(text, bytes));
}

/** A folder with config.json and model.safetensors. */
export function modelFolder(config: object, shapes: readonly (readonly [string, readonly number[]])[]): string {
  const folder = freshFolder();
  fs.writeFileSync(path.join(folder, "config.json"), JSON.stringify(config));
  writeTensors(path.join(folder, "model.safetensors"), shapes);
  return folder;
}

/** Runs `work`, which must fail with one diagnostic of this code, and gives it. */
export function failsWith(code: string, work: () => unknown): Diagnostic {
  try {
    work();
  } catch (error) {
    if (!(error instanceof PeftError)) throw error;
    assert.is(error.diagnostics[0].code, code, error.message);
    return error.diagnostics[0];
  }
  throw new Error(`expected ${code}, but nothing failed`);
}

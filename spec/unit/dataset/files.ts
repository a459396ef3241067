/** Files in folders that go away with the process, and the one diagnostic that a call must fail with. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as assert from "uvu/assert";
import { type Diagnostic, PeftError } from "../../../grammar/index.js";

const root = fs.mkdtempSync(path.join(os.tmpdir(), "peftc-dataset-"));
process.on("exit", () => fs.rmSync(root, { recursive: true, force: true }));
let folders = 0;

/** A fresh empty folder. */
export function freshFolder(): string {
  const folder = path.join(root, String(folders++));
  fs.mkdirSync(folder);
  return folder;
}

/** Writes a file into a fresh folder and gives its path. */
export function fileOf(content: string | Uint8Array, name: string): string {
  return path.join(folderOf({ [name]: content }), name);
}

/** A fresh folder with these files. */
export function folderOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = freshFolder();
  for (const [name, content] of Object.entries(files)) fs.writeFileSync(path.join(folder, name), content);
  return folder;
}

/** A safetensors file of U8 tensors whose bytes count up from 0. */
export function tensorFile(shapes: readonly (readonly [string, readonly number[]])[]): Uint8Array {
  let end = 0;
  const entries = shapes.map(([name, shape]) => {
    const begin = end;
    end += shape.reduce((a, b) => a * b, 1);
    return `${JSON.stringify(name)}:{"dtype":"U8","shape":[${shape}],"data_offsets":[${begin},${end}]}`;
  });
  const header = new TextEncoder().encode(`{${entries.join(",")}}`);
  const file = new Uint8Array(8 + header.length + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  for (let i = 0; i < end; i++) file[8 + header.length + i] = i;
  return file;
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

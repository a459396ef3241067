/**
 * What the tests of the program need: temporary folders, tiny models, and the program itself in a process of its own.
 */
import { spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

export const program = path.resolve("dist", "peftc.js");

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program in a folder. */
export function peftc(folder: string, ...words: string[]): Outcome {
  return peftcWith({}, folder, ...words);
}

/** The same with more in its environment. */
export function peftcWith(env: NodeJS.ProcessEnv, folder: string, ...words: string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1", PEFTC_CACHE_DIR: path.join(folder, ".cache"), ...env },
  });
  return { code: status, stdout, stderr };
}

/** Starts the program and gives its process; its output is collected. */
export function start(folder: string, ...words: string[]) {
  const child = spawn(process.execPath, [program, ...words], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: "1", PEFTC_CACHE_DIR: path.join(folder, ".cache") },
  });
  let stderr = "";
  child.stderr.on("data", (data: Buffer) => {
    stderr += data.toString();
  });
  child.stdout.resume();
  const ended = new Promise<{ readonly code: number | null; readonly stderr: string }>((resolve) => {
    child.on("close", (code) => resolve({ code, stderr }));
  });
  return { child, ended };
}

const made: string[] = [];
process.on("exit", () => {
  for (const folder of made) fs.rmSync(folder, { recursive: true, force: true });
});

/** A fresh folder, removed with the process; files by their names. */
export function folderWith(files: Readonly<Record<string, string>> = {}): string {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "peftc-cli-")));
  made.push(folder);
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
  }
  return folder;
}

/** Names with shapes, all f32. */
export type Shapes = Readonly<Record<string, readonly number[]>>;

export const small: Shapes = {
  "blocks.0.up.weight": [4, 3],
  "blocks.0.up.bias": [4],
  "blocks.1.up.weight": [4, 3],
  "blocks.1.up.bias": [4],
};

/** A model folder whose elements count up from `first`; `fill` false leaves zeros that take no room on the disk. */
export function writeModel(folder: string, first: number, shapes: Shapes = small, fill = true): void {
  let offset = 0;
  const header: Record<string, unknown> = Object.create(null);
  for (const [name, shape] of Object.entries(shapes)) {
    const bytes = 4 * shape.reduce((a, b) => a * b, 1);
    header[name] = { dtype: "F32", shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + (fill ? offset : 0));
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  if (fill) {
    const data = Float32Array.from({ length: offset / 4 }, (_, i) => first + i / 8);
    bytes.set(new Uint8Array(data.buffer), 8 + json.length);
  }
  fs.mkdirSync(folder, { recursive: true });
  const file = path.join(folder, "model.safetensors");
  fs.writeFileSync(file, bytes);
  fs.truncateSync(file, 8 + json.length + offset);
  fs.writeFileSync(path.join(folder, "config.json"), '{"model_type": "tiny"}\n');
}

/** A folder with the models a, b and c, and other files. */
export function workshop(files: Readonly<Record<string, string>>): string {
  const folder = folderWith(files);
  for (const [name, first] of [
    ["a", 0],
    ["b", 1],
    ["c", -2],
  ] as const)
    writeModel(path.join(folder, "models", name), first);
  return folder;
}

export const averaging = `use std.merge.{linear}

recipe average {
  input share: Fraction = 50%
  let merged = linear([load("models/a"), load("models/b")], weights = [1 - share, share])
  report norm(merged, over = model)
  save(merged, to = "out/average")
}
`;

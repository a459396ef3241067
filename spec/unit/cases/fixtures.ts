/**
 * Files of a case. In: `files.json`, from paths to descriptions. Out: the files below a folder, next to three small
 * models (`models/base`, `models/math`, `models/code`) that every case has. Headers can be stated byte for byte, so that
 * hostile files are data as well.
 */
import * as fs from "node:fs";
import * as path from "node:path";

/** A tensor; `values` are repeated until the shape is full. */
interface TensorFixture {
  readonly dtype: "F32" | "I8";
  readonly shape: readonly number[];
  /** `"NaN"` stands for what JSON cannot write. */
  readonly values: readonly (number | "NaN")[];
}

/** null: no such file, although every case has it. */
export type Fixture =
  | null
  | { readonly text: string }
  | { readonly tensors: Readonly<Record<string, TensorFixture>> }
  /** A header as it stands, the length that is claimed for it (its own, if absent), and so many zero bytes of data. */
  | { readonly header: string; readonly length?: number; readonly data: number };

/** Writes the shared models and then `files`, whose entries win. */
export function writeFixtures(folder: string, files: Readonly<Record<string, Fixture>>): void {
  const all = new Map([...Object.entries(sharedModels()), ...Object.entries(files)]);
  for (const [name, fixture] of all) {
    if (fixture === null) continue;
    const file = path.join(folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, bytesOf(fixture));
  }
}

function bytesOf(fixture: Exclude<Fixture, null>): Uint8Array {
  if ("text" in fixture) return new TextEncoder().encode(fixture.text);
  if ("tensors" in fixture) return safetensors(fixture.tensors);
  return framed(fixture.header, new Uint8Array(fixture.data), fixture.length);
}

function framed(header: string, data: Uint8Array, length?: number): Uint8Array {
  const text = new TextEncoder().encode(header);
  const prefix = new Uint8Array(8);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(length ?? text.length), true);
  return concatenated([prefix, text, data]);
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function safetensors(tensors: Readonly<Record<string, TensorFixture>>): Uint8Array {
  const entries: string[] = [];
  const parts: Uint8Array[] = [];
  let begin = 0;
  for (const [name, { dtype, shape, values }] of Object.entries(tensors)) {
    const size = shape.reduce((product, length) => product * length, 1);
    const numbers = Array.from({ length: size }, (_, i) => Number(values[i % values.length]));
    const array = dtype === "F32" ? Float32Array.from(numbers) : Int8Array.from(numbers);
    const end = begin + array.byteLength;
    entries.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, end] })}`);
    parts.push(new Uint8Array(array.buffer));
    begin = end;
  }
  return framed(`{${entries.join(",")}}`, concatenated(parts));
}

const shapes: Readonly<Record<string, readonly number[]>> = {
  "model.embed_tokens.weight": [8, 4],
  "model.layers.0.input_layernorm.weight": [4],
  "model.layers.0.self_attn.q_proj.weight": [4, 4],
  "model.layers.0.mlp.up_proj.weight": [6, 4],
  "model.layers.1.input_layernorm.weight": [4],
  "model.layers.1.self_attn.q_proj.weight": [4, 4],
  "model.layers.1.mlp.up_proj.weight": [6, 4],
  "model.norm.weight": [4],
  "lm_head.weight": [8, 4],
};

function sharedModels(): Record<string, Fixture> {
  const config = JSON.stringify({ model_type: "llama", num_hidden_layers: 2, tie_word_embeddings: false });
  const files: Record<string, Fixture> = {};
  for (const [i, name] of ["base", "math", "code"].entries()) {
    const values = Array.from({ length: 11 }, (_, k) => (((k * 7 + i * (k + 3)) % 13) - 6) / 8);
    const tensors = Object.entries(shapes).map(([tensor, shape]) => [tensor, { dtype: "F32", shape, values }] as const);
    files[`models/${name}/model.safetensors`] = { tensors: Object.fromEntries(tensors) };
    files[`models/${name}/config.json`] = { text: config };
  }
  return files;
}

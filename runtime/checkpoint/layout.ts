/**
 * The layout of an output before one byte of it is written.
 *
 * In: the tensors to write, the shard size, metadata, and the files to carry along. Out: the files with their finished
 * headers and, for each tensor, its file and offset, so that threads can write ranges in any order. Within a file wide
 * dtypes come first, of one width in a fixed order, and names are in byte order, as the reference writer has it: each tensor is then aligned to its
 * element. The layout depends on nothing but the arguments, so a recipe run twice gives the same bytes.
 * Source: the safetensors format and the index that transformers writes, spec/formats.md.
 */
import * as path from "node:path";
import { bytesOf, isFloat, type StorageDtype } from "../../compiler/index.js";
import { fail } from "../../grammar/index.js";
import { at, checkPath } from "./access.js";
import { type ConfigFile, configText } from "./config.js";
import { largestHeader } from "./header.js";
import { byBytes, quoteName } from "./quote.js";

export interface OutputTensor {
  readonly name: string;
  readonly dtype: StorageDtype;
  readonly shape: readonly number[];
}

/** `file` is the name of one of the plan's files; `offset` counts from its start. */
export interface PlannedTensor extends OutputTensor {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
}

export interface PlannedFile {
  readonly name: string;
  /** Length, JSON and padding: everything before the data. */
  readonly header: Uint8Array;
  /** Of the whole file. */
  readonly bytes: number;
  /** In the order of the data. */
  readonly tensors: readonly PlannedTensor[];
}

/** A file to copy into the output under `name`. */
export interface CarriedFile {
  readonly from: string;
  readonly name: string;
}

export interface TextFile {
  readonly name: string;
  readonly text: string;
}

export interface OutputRequest {
  /** The folder to write, or one file that ends in .safetensors. */
  readonly to: string;
  readonly tensors: readonly OutputTensor[];
  /** Most bytes of tensors a file, or null for one file. A larger tensor gets a file of its own. */
  readonly shardBytes: number | null;
  /** Goes into every file, after `"format": "pt"`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly carry: readonly CarriedFile[];
  /** The donor's configuration; its dtype follows the tensors' when they agree. */
  readonly config: ConfigFile | null;
  /** Name of the weight files without ending; "model" unless given. */
  readonly stem?: string;
}

export interface OutputPlan {
  /** Absolute. */
  readonly to: string;
  /** `to` is one file of tensors, with nothing beside it. */
  readonly bare: boolean;
  readonly files: readonly PlannedFile[];
  readonly tensors: ReadonlyMap<string, PlannedTensor>;
  /** The index of a sharded output; null for a single file. */
  readonly index: TextFile | null;
  readonly config: TextFile | null;
  readonly carry: readonly CarriedFile[];
  readonly parameters: number;
  /** Of the tensors. */
  readonly dataBytes: number;
  /** Of the weight files. */
  readonly totalBytes: number;
}

interface Sized extends OutputTensor {
  readonly bytes: number;
}

/** Lays out an output. Throws PeftError (F004, F053, F057 to F059, F061, F062). */
export function planOutput(request: OutputRequest): OutputPlan {
  checkPath(request.to);
  const to = path.resolve(request.to);
  const bare = namesOneFile(to);
  if (bare && request.shardBytes !== null)
    fail("F053", `shards need a folder to save to, found the file name ${quoteName(request.to)}`, at(request.to), {
      help: `leave out shard, or write to = ${JSON.stringify(request.to.slice(0, -fileEnding.length))}`,
    });
  const sized = sizeTensors(to, request.tensors);
  const shards = splitShards(to, sized, request.shardBytes);
  const stem = bare ? path.basename(to, fileEnding) : (request.stem ?? "model");
  const files = shards.map((shard, i) => layFile(to, shardName(stem, i, shards.length), shard, request.metadata));
  const tensors = new Map(files.flatMap((file) => file.tensors).map((tensor) => [tensor.name, tensor]));
  const parameters = sized.reduce((sum, { shape }) => sum + elementsOf(shape), 0);
  const dataBytes = sized.reduce((sum, { bytes }) => sum + bytes, 0);
  const index =
    files.length > 1
      ? { name: `${stem}.safetensors.index.json`, text: indexText(tensors, parameters, dataBytes) }
      : null;
  const config = !bare &&
    request.config && { name: "config.json", text: configText(request.config, commonFloat(sized)) };
  const carry = bare ? [] : request.carry.filter(({ name }) => !config || name !== config.name);
  checkNames(
    to,
    [...files, ...(index ? [index] : []), ...(config ? [config] : []), ...carry].map(({ name }) => name),
  );
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  return { to, bare, files, tensors, index, config: config || null, carry, parameters, dataBytes, totalBytes };
}

const fileEnding = ".safetensors";

/** Whether an output at this path is one file of tensors, not a folder. */
export function namesOneFile(to: string): boolean {
  return path.basename(to).endsWith(fileEnding);
}

/** Fails with F059 when a name is not a plain file name, or is given twice. */
export function checkNames(to: string, names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (name === "" || name === "." || name === ".." || /[/\\\0]/.test(name))
      fail("F059", `expected a plain file name in the output, found ${quoteName(name)}`, at(to), {
        help: "leave out folders and special characters",
      });
    if (seen.has(name))
      fail("F059", `the output would have two files named ${quoteName(name)}`, at(to), { help: "rename one of them" });
    seen.add(name);
  }
}

function sizeTensors(to: string, tensors: readonly OutputTensor[]): readonly Sized[] {
  if (tensors.length === 0)
    fail("F061", "there is no tensor to write", at(to), { help: "check what the recipe saves" });
  const seen = new Set<string>();
  const sized = tensors.map((tensor) => {
    if (seen.has(tensor.name))
      fail("F057", `the output would have two tensors named ${quoteName(tensor.name)}`, at(to), {
        help: "rename one of them",
      });
    seen.add(tensor.name);
    if (tensor.name === "__metadata__" || /\p{Surrogate}/u.test(tensor.name))
      fail("F057", `no tensor in a safetensors file can be named ${quoteName(tensor.name)}`, at(to), {
        help: "choose another name",
      });
    const bytes = elementsOf(tensor.shape) * bytesOf(tensor.dtype);
    if (!tensor.shape.every((length) => Number.isSafeInteger(length) && length >= 0) || !Number.isSafeInteger(bytes))
      fail("F062", `the tensor ${quoteName(tensor.name)} cannot have the shape [${tensor.shape.join(", ")}]`, at(to), {
        help: "lengths are whole numbers from 0 on, and a tensor has at most 2^53 bytes",
      });
    return { ...tensor, bytes };
  });
  return sized.sort((a, b) => byBytes(a.name, b.name));
}

function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** Fills one shard after the other, in the order of the names. */
function splitShards(to: string, tensors: readonly Sized[], shardBytes: number | null): Sized[][] {
  if (shardBytes === null) return [[...tensors]];
  if (!(shardBytes >= 1))
    fail("F058", `expected a shard size of at least one byte, found ${shardBytes}`, at(to), {
      help: "write shard = 5GB",
    });
  const shards: Sized[][] = [[]];
  let filled = 0;
  for (const tensor of tensors) {
    if (filled > 0 && filled + tensor.bytes > shardBytes) {
      shards.push([]);
      filled = 0;
    }
    shards[shards.length - 1].push(tensor);
    filled += tensor.bytes;
  }
  return shards;
}

function shardName(stem: string, i: number, count: number): string {
  if (count === 1) return `${stem}.safetensors`;
  return `${stem}-${String(i + 1).padStart(5, "0")}-of-${String(count).padStart(5, "0")}.safetensors`;
}

/** Texts are put together by hand: an object would lose the order of keys such as "1" and the meaning of `__proto__`. */
/** The order in which the reference writer has dtypes of one width. */
const sameWidth: readonly StorageDtype[] = [
  ...(["U64", "I64", "F64", "F32", "U32", "I32", "BF16", "F16", "U16", "I16"] as const),
  ...(["F8_E4M3", "F8_E5M2", "I8", "U8", "BOOL"] as const),
];

function layFile(
  to: string,
  name: string,
  shard: readonly Sized[],
  metadata: Readonly<Record<string, string>>,
): PlannedFile {
  const sorted = [...shard].sort(
    (a, b) =>
      bytesOf(b.dtype) - bytesOf(a.dtype) ||
      sameWidth.indexOf(a.dtype) - sameWidth.indexOf(b.dtype) ||
      byBytes(a.name, b.name),
  );
  const entries = [`"__metadata__":${metadataText(metadata)}`];
  const begins: number[] = [];
  let end = 0;
  for (const { name, dtype, shape, bytes } of sorted) {
    begins.push(end);
    const range = `[${end},${end + bytes}]`;
    entries.push(`${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape.join(",")}],"data_offsets":${range}}`);
    end += bytes;
  }
  const json = new TextEncoder().encode(`{${entries.join(",")}}`);
  const padded = Math.ceil(json.length / 8) * 8;
  if (padded > largestHeader)
    fail("F062", `the header of ${quoteName(name)} would have ${padded} bytes, more than readers accept`, at(to), {
      help: "write smaller shards",
    });
  const header = new Uint8Array(8 + padded).fill(0x20, 8 + json.length);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(json, 8);
  const tensors = sorted.map((tensor, i) => ({ ...tensor, file: name, offset: header.length + begins[i] }));
  return { name, header, bytes: header.length + end, tensors };
}

function metadataText(metadata: Readonly<Record<string, string>>): string {
  const own = Object.entries(metadata).filter(([key]) => key !== "format");
  const pairs = [["format", "pt"], ...own.sort(([a], [b]) => byBytes(a, b))];
  return `{${pairs.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")}}`;
}

/** As transformers writes it: two spaces, sorted keys, a final newline. */
function indexText(tensors: ReadonlyMap<string, PlannedTensor>, parameters: number, dataBytes: number): string {
  const sorted = [...tensors.values()].sort((a, b) => byBytes(a.name, b.name));
  const map = sorted.map(({ name, file }) => `    ${JSON.stringify(name)}: ${JSON.stringify(file)}`).join(",\n");
  const metadata = `    "total_parameters": ${parameters},\n    "total_size": ${dataBytes}`;
  return `{\n  "metadata": {\n${metadata}\n  },\n  "weight_map": {\n${map}\n  }\n}\n`;
}

/** The dtype that all floating-point tensors share, or null. */
function commonFloat(tensors: readonly OutputTensor[]): StorageDtype | null {
  const dtypes = new Set(tensors.map(({ dtype }) => dtype).filter(isFloat));
  return dtypes.size === 1 ? [...dtypes][0] : null;
}

/**
 * A checkpoint in several files: `model.safetensors.index.json` maps each tensor's name to the shard that holds it.
 *
 * In: the path of an index. Out: the headers of its shards and the tensors that the index names. The index and the
 * shards must tell the same story: every shard exists inside the folder, every tensor is where the index says. A tensor
 * that only a shard knows is left out, as the ecosystem's readers do, and reported.
 * Source: the layout that transformers writes, spec/formats.md.
 */
import * as path from "node:path";
import { type Diagnostic, diagnostic, fail, nearest, PeftError } from "../../grammar/index.js";
import { at, kindAt, readText } from "./access.js";
import { jsonProblem } from "./config.js";
import { isPickleName, refusePickle } from "./foreign.js";
import { readHeader, type SafetensorsHeader, type TensorEntry } from "./header.js";
import { isJsonObject, type JsonObject, kindOfJson, parseJson } from "./json.js";
import { quoteName } from "./quote.js";

export interface ShardedModel {
  readonly headers: readonly SafetensorsHeader[];
  readonly tensors: readonly TensorEntry[];
  readonly warnings: readonly Diagnostic[];
}

const largestIndex = 64 * 1024 * 1024;
const again = "download the checkpoint again, or save it again with save_pretrained";

/** Reads an index and the headers of its shards. Throws PeftError (F001 to F005, F040 to F043, and a header's own). */
export function readSharded(indexFile: string): ShardedModel {
  const shardOf = readIndex(indexFile);
  const folder = path.dirname(indexFile);
  const headers = new Map<string, SafetensorsHeader>();
  for (const shard of new Set(shardOf.values())) headers.set(shard, readHeader(shardPath(indexFile, folder, shard)));
  const held = new Map([...headers].map(([shard, header]) => [shard, new Map(header.tensors.map((t) => [t.name, t]))]));
  const lost: Diagnostic[] = [];
  const tensors: TensorEntry[] = [];
  for (const [name, shard] of shardOf) {
    const tensor = held.get(shard)!.get(name);
    if (tensor) tensors.push(tensor);
    else lost.push(absent(indexFile, name, shard, [...held.get(shard)!.keys()]));
  }
  if (lost.length > 0) throw new PeftError(lost.slice(0, 10));
  const warnings = [...headers].flatMap(([shard, header]) => unlisted(indexFile, shard, header, shardOf));
  return { headers: [...headers.values()], tensors, warnings };
}

function readIndex(file: string): ReadonlyMap<string, string> {
  const text = readText(file, largestIndex);
  if (text === null) fail("F040", "the index is not valid UTF-8", at(file), { help: again });
  const parsed = parseJson(text);
  if (!parsed.ok) fail("F040", `the index is not valid JSON: ${jsonProblem(parsed, text)}`, at(file), { help: again });
  const map = isJsonObject(parsed.value) ? parsed.value.get("weight_map")?.value : undefined;
  if (!isJsonObject(map))
    fail("F040", 'expected an object "weight_map" from tensor names to shards, found none', at(file), { help: again });
  if (map.size === 0) fail("F040", "the index names no tensor", at(file), { help: again });
  return shardNames(file, map);
}

function shardNames(file: string, map: JsonObject): ReadonlyMap<string, string> {
  const shardOf = new Map<string, string>();
  for (const [name, { value }] of map) {
    if (typeof value !== "string")
      fail("F040", `expected a file name for the tensor ${quoteName(name)}, found ${kindOfJson(value)}`, at(file), {
        help: again,
      });
    shardOf.set(name, value);
  }
  return shardOf;
}

/** Links are followed (download caches are made of them), but the name itself must stay inside the folder. */
function shardPath(indexFile: string, folder: string, shard: string): string {
  const parts = shard.split(/[/\\]/);
  if (path.posix.isAbsolute(shard) || path.win32.isAbsolute(shard) || parts.includes("..") || shard.includes("\0"))
    fail("F041", `the index names the shard ${quoteName(shard)}, which is outside of its folder`, at(indexFile), {
      help: "put the shards beside the index and name them without a path; be wary of where this file came from",
    });
  if (isPickleName(shard)) refusePickle(path.join(folder, shard));
  if (!shard.endsWith(".safetensors"))
    fail("F041", `expected the name of a .safetensors file for a shard, found ${quoteName(shard)}`, at(indexFile), {
      help: again,
    });
  const file = path.join(folder, shard);
  if (kindAt(file) === null)
    fail("F042", `the shard ${quoteName(shard)} that the index names is missing`, at(indexFile), {
      help: `download ${quoteName(shard)} into ${quoteName(folder)}`,
    });
  return file;
}

function absent(indexFile: string, name: string, shard: string, names: readonly string[]): Diagnostic {
  const near = nearest(name, names, 1).map(quoteName);
  return diagnostic(
    "F043",
    `the index places the tensor ${quoteName(name)} in ${quoteName(shard)}, which does not have it`,
    at(indexFile),
    { notes: near.map((other) => `that shard has ${other}`), help: again },
  );
}

function unlisted(
  indexFile: string,
  shard: string,
  header: SafetensorsHeader,
  shardOf: ReadonlyMap<string, string>,
): Diagnostic[] {
  const names = header.tensors.filter(({ name }) => shardOf.get(name) !== shard).map(({ name }) => quoteName(name));
  if (names.length === 0) return [];
  const shown = names.slice(0, 3).join(", ") + (names.length > 3 ? ` and ${names.length - 3} more` : "");
  const message = `${quoteName(shard)} holds ${shown}, which the index does not place there; it is left out`;
  return [diagnostic("F044", message, at(indexFile), { severity: "warning", help: "add it to weight_map to use it" })];
}

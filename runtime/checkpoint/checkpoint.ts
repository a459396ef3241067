/**
 * Opening a checkpoint, in any of the layouts that people have on disk.
 *
 * In: a path: a folder with `model.safetensors`, or with `model.safetensors.index.json` and its shards, or with exactly
 * one other `*.safetensors`; an index; or a single file. Out: where every tensor lies, the configuration, and the files
 * that a model needs beside its weights. Only headers are read. Formats that are no checkpoints (pickle, GGUF,
 * adapters) are refused with the way to go on.
 */
import * as path from "node:path";
import { type Diagnostic, diagnostic, fail } from "../../grammar/index.js";
import { at, kindAt, listFolder, statPath } from "./access.js";
import { type ConfigFile, readConfig } from "./config.js";
import { isPickleName, refuseForeignName, refuseGguf, refusePickle } from "./foreign.js";
import { readHeader, type SafetensorsHeader, type TensorEntry } from "./header.js";
import { isUnfinished } from "./lock.js";
import { byBytes, quoteName } from "./quote.js";
import { readSharded, type ShardedModel } from "./sharded.js";
import { findTied, type TiedPair } from "./tied.js";

export interface Checkpoint {
  /** As given. */
  readonly path: string;
  readonly kind: "folder" | "file";
  /** The folder that holds config and weights. */
  readonly folder: string;
  /** By name, in byte order; without aliases of tied weights. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** The headers of the weight files, in the order of their paths. */
  readonly headers: readonly SafetensorsHeader[];
  readonly config: ConfigFile | null;
  /** Names of the files in `folder` that belong to a model besides its weights, config.json among them. */
  readonly files: readonly string[];
  readonly modelType: string | null;
  readonly tied: readonly TiedPair[];
  readonly warnings: readonly Diagnostic[];
}

const weightsName = "model.safetensors";
const indexName = "model.safetensors.index.json";
const configName = "config.json";
export const adapterConfigName = "adapter_config.json";
export const adapterWeightsName = "adapter_model.safetensors";

/** What a model needs besides its weights. */
const companions = [
  configName,
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  "vocab.txt",
  "spiece.model",
  "tokenizer.model",
  "preprocessor_config.json",
  "processor_config.json",
  "chat_template.jinja",
  "chat_template.json",
];

/** Opens the checkpoint at `target`. Throws PeftError (F001 to F046). */
export function openCheckpoint(target: string): Checkpoint {
  if (statPath(target).isDirectory()) return describe(target, "folder", target, folderWeights(target));
  if (target.endsWith(".index.json")) return describe(target, "folder", path.dirname(target), readSharded(target));
  refuseForeignName(target);
  return describe(target, "file", path.dirname(target), single(target, []));
}

function single(file: string, warnings: readonly Diagnostic[]): ShardedModel {
  const header = readHeader(file);
  return { headers: [header], tensors: header.tensors, warnings };
}

function folderWeights(folder: string): ShardedModel {
  if (isUnfinished(folder)) refuseUnfinished(folder);
  const names = listFolder(folder);
  if (names.includes(weightsName)) {
    const ignored = names.includes(indexName) ? [ignoredIndex(folder)] : [];
    return single(path.join(folder, weightsName), ignored);
  }
  if (names.includes(indexName)) return readSharded(path.join(folder, indexName));
  if (names.includes(adapterConfigName)) refuseAdapter(folder);
  const others = names.filter((name) => name.endsWith(".safetensors") && !name.startsWith("."));
  if (others.length === 1) return single(path.join(folder, others[0]), []);
  if (others.length > 1)
    fail("F036", `expected one .safetensors file, found ${others.length} and no ${indexName}`, at(folder), {
      notes: others.slice(0, 10).map((name) => `found ${quoteName(name)}`),
      help: "name the file that you mean",
    });
  const pickle = names.find(isPickleName);
  if (pickle) refusePickle(path.join(folder, pickle));
  const gguf = names.find((name) => name.toLowerCase().endsWith(".gguf"));
  if (gguf) refuseGguf(path.join(folder, gguf));
  const inner = names.filter(
    (name) => kindAt(path.join(folder, name, weightsName)) || kindAt(path.join(folder, name, indexName)),
  );
  return fail("F035", "the folder holds no weights", at(folder), {
    notes: [`looked for ${weightsName}, ${indexName} and any other .safetensors file`],
    help:
      inner.length > 0
        ? `did you mean ${inner
            .slice(0, 4)
            .map((name) => quoteName(path.join(folder, name)))
            .join(" or ")}?`
        : "name the folder that holds the weights",
  });
}

function refuseAdapter(folder: string): never {
  fail("F032", "the folder holds an adapter, not a model", at(folder), {
    notes: [`${adapterConfigName} describes changes to a base model`],
    help: "use load_adapter(...) for it, or load(...) its base model",
  });
}

function refuseUnfinished(folder: string): never {
  fail("F037", "the folder is the unfinished output of a run", at(folder), {
    help: "run the recipe again; the folder is then replaced",
  });
}

function ignoredIndex(folder: string): Diagnostic {
  return diagnostic("F045", `the folder has both ${weightsName} and ${indexName}; the index is ignored`, at(folder), {
    severity: "warning",
    help: `delete the one that is out of date, or load ${indexName} by name`,
  });
}

function describe(target: string, kind: Checkpoint["kind"], folder: string, model: ShardedModel): Checkpoint {
  const present = companions.map((name) => ({ name, is: kindAt(path.join(folder, name)) })).filter(({ is }) => is);
  const files = present.filter(({ is }) => is === "file").map(({ name }) => name);
  const odd = present.filter(({ is }) => is !== "file").map(({ name }) => notCarried(path.join(folder, name)));
  const config = files.includes(configName) ? readConfig(path.join(folder, configName)) : null;
  const sorted = [...model.tensors].sort((a, b) => byBytes(a.name, b.name));
  const tensors = new Map(sorted.map((tensor) => [tensor.name, tensor]));
  const { tied, warnings } = findTied(tensors, config);
  for (const [alias] of tied) tensors.delete(alias);
  const modelType = config && typeof config.value.model_type === "string" ? config.value.model_type : null;
  return {
    path: target,
    kind,
    folder,
    tensors,
    headers: [...model.headers].sort((a, b) => byBytes(a.path, b.path)),
    config,
    files,
    modelType,
    tied,
    warnings: [...model.warnings, ...odd, ...warnings],
  };
}

function notCarried(file: string): Diagnostic {
  return diagnostic("F048", `expected a file, found something else; it is not carried to the output`, at(file), {
    severity: "warning",
    help: "replace it by the file of that name from the model",
  });
}

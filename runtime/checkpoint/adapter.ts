/**
 * Opening a saved adapter: a folder with `adapter_config.json` and `adapter_model.safetensors`. Out: what a checkpoint is
 * made of, its configuration being the adapter's. Only the header and the configuration are read; pickled adapters are
 * refused with the way to go on. Source of the layout: huggingface/peft, save_and_load.
 */
import * as path from "node:path";
import { fail } from "../../grammar/index.js";
import { at, listFolder, statPath } from "./access.js";
import { adapterConfigName, adapterWeightsName, type Checkpoint } from "./checkpoint.js";
import { readConfig } from "./config.js";
import { isPickleName, refusePickle } from "./foreign.js";
import { readHeader } from "./header.js";
import { byBytes, quoteName } from "./quote.js";

/** Opens the adapter in the folder `target`. Throws PeftError (F001 to F049). */
export function openAdapter(target: string): Checkpoint {
  if (!statPath(target).isDirectory())
    fail("F038", "expected the folder of an adapter, found a file", at(target), {
      help: `name the folder that holds ${adapterConfigName}`,
    });
  const names = listFolder(target);
  if (!names.includes(adapterConfigName))
    fail("F038", `the folder holds no adapter: there is no ${adapterConfigName}`, at(target), {
      help: names.includes("config.json") ? "it holds a model: use load(...)" : "name the folder of an adapter",
    });
  if (!names.includes(adapterWeightsName)) {
    const pickle = names.find(isPickleName);
    if (pickle !== undefined) refusePickle(path.join(target, pickle));
    fail("F039", `the adapter has no weights: there is no ${adapterWeightsName}`, at(target), {
      notes: names.slice(0, 6).map((name) => `found ${quoteName(name)}`),
      help: "take the folder again from where the adapter came from",
    });
  }
  const config = readConfig(path.join(target, adapterConfigName));
  const header = readHeader(path.join(target, adapterWeightsName));
  const sorted = [...header.tensors].sort((a, b) => byBytes(a.name, b.name));
  return {
    path: target,
    kind: "folder",
    folder: target,
    tensors: new Map(sorted.map((tensor) => [tensor.name, tensor])),
    headers: [header],
    config,
    files: [adapterConfigName],
    modelType: null,
    tied: [],
    warnings: [],
  };
}

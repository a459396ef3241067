/**
 * What is in a checkpoint, for `peftc inspect`. In: a path to a checkpoint or an adapter. Out: its files, tensors and
 * totals, from the headers alone.
 */
import * as path from "node:path";
import { bytesOf, type StorageDtype } from "../../compiler/index.js";
import type { Diagnostic } from "../../grammar/index.js";
import { kindAt } from "./access.js";
import { adapterConfigName, openCheckpoint } from "./checkpoint.js";
import { type ConfigFile, readConfig } from "./config.js";
import { readHeader, type TensorEntry } from "./header.js";
import { byBytes } from "./quote.js";
import type { TiedPair } from "./tied.js";

export interface InspectedFile {
  readonly path: string;
  readonly fileBytes: number;
  readonly headerBytes: number;
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: number;
}

export interface DtypeTotal {
  readonly tensors: number;
  readonly parameters: number;
  readonly bytes: number;
}

export interface Inspection {
  readonly path: string;
  readonly kind: "folder" | "file" | "adapter";
  readonly files: readonly InspectedFile[];
  /** By name, in byte order. */
  readonly tensors: readonly TensorEntry[];
  /** By dtype, the largest share of bytes first. */
  readonly byDtype: ReadonlyMap<StorageDtype, DtypeTotal>;
  /** Elements of all tensors; tied weights count once. */
  readonly parameters: number;
  readonly bytes: number;
  readonly modelType: string | null;
  /** Of an adapter: its method as its configuration names it. */
  readonly adapterType: string | null;
  readonly config: ConfigFile | null;
  /** Files carried along with the weights. */
  readonly carried: readonly string[];
  readonly tied: readonly TiedPair[];
  readonly warnings: readonly Diagnostic[];
}

/** Looks at the headers of a checkpoint or an adapter. Throws PeftError as `openCheckpoint` does. */
export function inspectPath(target: string): Inspection {
  const adapterConfig = path.join(target, adapterConfigName);
  const adapterWeights = path.join(target, "adapter_model.safetensors");
  if (kindAt(adapterConfig) === "file" && kindAt(adapterWeights) === "file")
    return inspectAdapter(target, readConfig(adapterConfig), adapterWeights);
  const checkpoint = openCheckpoint(target);
  const tensors = [...checkpoint.tensors.values()];
  return {
    path: target,
    kind: checkpoint.kind,
    files: checkpoint.headers.map((header) => ({ ...header, tensors: header.tensors.length })),
    tensors,
    ...totals(tensors),
    modelType: checkpoint.modelType,
    adapterType: null,
    config: checkpoint.config,
    carried: checkpoint.files,
    tied: checkpoint.tied,
    warnings: checkpoint.warnings,
  };
}

function inspectAdapter(target: string, config: ConfigFile, weights: string): Inspection {
  const header = readHeader(weights);
  const tensors = [...header.tensors].sort((a, b) => byBytes(a.name, b.name));
  return {
    path: target,
    kind: "adapter",
    files: [{ ...header, tensors: tensors.length }],
    tensors,
    ...totals(tensors),
    modelType: null,
    adapterType: typeof config.value.peft_type === "string" ? config.value.peft_type : null,
    config,
    carried: [adapterConfigName],
    tied: [],
    warnings: [],
  };
}

function totals(tensors: readonly TensorEntry[]): Pick<Inspection, "byDtype" | "parameters" | "bytes"> {
  const sums = new Map<StorageDtype, DtypeTotal>();
  for (const { dtype, bytes } of tensors) {
    const sum = sums.get(dtype) ?? { tensors: 0, parameters: 0, bytes: 0 };
    sums.set(dtype, {
      tensors: sum.tensors + 1,
      parameters: sum.parameters + bytes / bytesOf(dtype),
      bytes: sum.bytes + bytes,
    });
  }
  const all = [...sums.values()];
  return {
    byDtype: new Map([...sums].sort(([, a], [, b]) => b.bytes - a.bytes)),
    parameters: all.reduce((sum, { parameters }) => sum + parameters, 0),
    bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/**
 * What a recipe sees of the world: headers of checkpoints. In: the paths of `load`. Out: headers, read once a
 * checkpoint however often and by whatever path it is loaded. A path is relative to the recipe's file. Whatever is
 * wrong with a checkpoint is told at the `load` that asked for it.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import type { Host, ModelHeader } from "../../compiler/elaborate/index.js";
import { type Diagnostic, PeftError } from "../../grammar/index.js";
import { type Checkpoint, openAdapter, openCheckpoint } from "../checkpoint/index.js";
import { openDataset, readVocabulary } from "../dataset/index.js";
import { blamePlace } from "./blame.js";

export interface CheckpointHost extends Host {
  /** By the `id` in `input` nodes: the absolute path by which a checkpoint was loaded first. */
  readonly checkpoints: ReadonlyMap<string, Checkpoint>;
  /** Warnings about the checkpoints that were opened. */
  readonly warnings: readonly Diagnostic[];
}

/** A host for recipes in `folder`. */
export function checkpointHost(folder: string): CheckpointHost {
  const checkpoints = new Map<string, Checkpoint>();
  const headers = new Map<string, ModelHeader>();
  const warnings: Diagnostic[] = [];
  const opened = (
    written: string,
    from: Parameters<Host["open"]>[1],
    read: (target: string) => Checkpoint,
    label: string,
  ): ModelHeader => {
    const target = path.isAbsolute(written) || written === "" ? written : path.join(folder, written);
    const key = realPath(target);
    const known = headers.get(key);
    if (known !== undefined) return known;
    try {
      const checkpoint = read(target);
      const header = headerOf(checkpoint);
      checkpoints.set(header.id, checkpoint);
      headers.set(key, header);
      warnings.push(...checkpoint.warnings);
      return header;
    } catch (error) {
      if (!(error instanceof PeftError)) throw error;
      throw new PeftError(blamePlace(error, from, label));
    }
  };
  return {
    checkpoints,
    warnings,
    dataset(written, options, from) {
      const inFolder = (name: string) => (path.isAbsolute(name) ? name : path.join(folder, name));
      const tokenizer = options.get("tokenizer");
      try {
        const data = openDataset(inFolder(written), {
          ...Object.fromEntries(options),
          ...(typeof tokenizer === "string" ? { tokenizer: inFolder(tokenizer) } : {}),
        });
        warnings.push(...data.warnings);
        return data;
      } catch (error) {
        if (!(error instanceof PeftError)) throw error;
        throw new PeftError(blamePlace(error, from, "opened here"));
      }
    },
    vocabulary(id, from) {
      const checkpoint = checkpoints.get(id);
      if (checkpoint === undefined || !checkpoint.files.includes("tokenizer.json")) return null;
      try {
        return { source: id, ...readVocabulary(path.join(checkpoint.folder, "tokenizer.json")) };
      } catch (error) {
        if (!(error instanceof PeftError)) throw error;
        throw new PeftError(blamePlace(error, from, "aligned here"));
      }
    },
    open: (written, from) => opened(written, from, openCheckpoint, "loaded here"),
    openAdapter: (written, from) => opened(written, from, openAdapter, "loaded here"),
  };
}

function headerOf(checkpoint: Checkpoint): ModelHeader {
  return {
    id: path.resolve(checkpoint.path),
    path: checkpoint.path,
    tensors: [...checkpoint.tensors.values()].map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    config: checkpoint.config?.value ?? null,
    modelType: checkpoint.modelType,
  };
}

/** Without links where the path exists; else as given, for `openCheckpoint` to complain about. */
function realPath(target: string): string {
  try {
    return fs.realpathSync(target);
  } catch {
    return path.resolve(target);
  }
}

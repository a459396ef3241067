/**
 * The receipt `peftc.json` that lies in every output: what was run on what, and what became of each tensor. It holds
 * nothing that may differ between two runs of one recipe on one kind of device: no times, no threads, no chunk size.
 * Source: spec/formats.md.
 */
import { createHash } from "node:crypto";
import * as path from "node:path";
import type { Output } from "../../compiler/index.js";
import { bytesOf } from "../../compiler/index.js";
import type { OutputPlan } from "../checkpoint/index.js";
import { tensorListDigest } from "../checkpoint/index.js";
import type { Compiled } from "../compile/index.js";
import { packageVersion, standardLibraryFolder } from "../installation/index.js";
import type { HostValues } from "./host-values.js";
import { SCRATCH } from "./loops.js";

export const RECEIPT = "peftc.json";

/** What is known of one written tensor. */
export interface TensorRecord {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly sha256: string | null;
  /** "copied": the bytes of an input; "computed": the result of a call. */
  readonly origin: "copied" | "computed";
  /** Elements that differ from the reference; null where there is none to compare with. */
  readonly changed: number | null;
  /** L2 norm of the change. */
  readonly change: number | null;
  /** L2 norm of what rounding to the dtype lost, divided by that of the change. */
  readonly lost: number | null;
}

export function tensorRecord(output: Output, values: HostValues, hex: string | null): TensorRecord {
  const change = output.change === null ? null : Math.sqrt(values.get(output.change));
  const lost =
    output.lost === null || change === null ? null : change === 0 ? 0 : Math.sqrt(values.get(output.lost)) / change;
  return {
    name: output.name,
    dtype: output.dtype,
    shape: output.shape,
    sha256: hex,
    origin: output.copy === null || output.copy.source === SCRATCH ? "computed" : "copied",
    changed: output.changed === null ? null : values.get(output.changed),
    change,
    lost,
  };
}

export interface ReceiptRequest {
  readonly compiled: Compiled;
  readonly device: string;
  readonly plan: OutputPlan;
  readonly tensors: readonly TensorRecord[];
  /** Digest by source; empty with --no-hash. */
  readonly inputs: ReadonlyMap<string, string>;
}

/** The digest of an output; null without hashes. */
export function outputDigest(tensors: readonly TensorRecord[]): string | null {
  if (tensors.some((t) => t.sha256 === null)) return null;
  return tensorListDigest(
    tensors.map((t) => ({ name: t.name, dtype: t.dtype as never, shape: t.shape, hex: t.sha256! })),
  );
}

export function receiptText(request: ReceiptRequest): string {
  const { compiled, plan, tensors } = request;
  const folder = path.dirname(path.resolve(compiled.file));
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
  const library = standardLibraryFolder();
  const uses = [...compiled.texts]
    .filter(([file]) => file !== compiled.file && compiled.files.has(file))
    .map(([file, text]) => ({
      file: file.startsWith(library)
        ? `std/${path.relative(library, file)}`
        : path.relative(folder, path.resolve(file)),
      sha256: sha256(text),
    }));
  const receipt = {
    peftc: packageVersion(),
    recipe: {
      file: path.basename(compiled.file),
      name: compiled.plan!.recipe,
      sha256: sha256(compiled.text),
      text: compiled.text,
    },
    uses,
    settings: Object.fromEntries(compiled.plan!.settings),
    seed: compiled.plan!.seed,
    draws: [...compiled.plan!.draws].map(([draw, places]) => ({ path: draw, places })),
    device: request.device,
    inputs: [...compiled.checkpoints].map(([source, checkpoint]) => ({
      path: path.relative(folder, checkpoint.path),
      tensors: checkpoint.tensors.size,
      bytes: [...checkpoint.tensors.values()].reduce((n, t) => n + t.bytes, 0),
      digest: request.inputs.get(source) ?? null,
    })),
    output: {
      tensors: tensors.length,
      bytes: tensors.reduce((n, t) => n + t.shape.reduce((a, b) => a * b, 1) * bytesOf(t.dtype as never), 0),
      digest: outputDigest(tensors),
    },
    files: plan.files.map((f) => ({ name: f.name, bytes: f.bytes })),
    tensors,
  };
  return `${JSON.stringify(receipt, null, 1)}\n`;
}

/**
 * `peftc verify OUT`: is an output still what a run wrote? In: the folder. Out: the digest of every tensor, computed
 * anew, compared with the receipt peftc.json beside it. Exit code 0 when all agree.
 */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { type Diagnostic, diagnostic, PeftError, visible } from "../../grammar/index.js";
import {
  openCheckpoint,
  parseJson,
  plainJson,
  quoteName,
  readText,
  type TensorEntry,
  tensorListDigest,
} from "../checkpoint/index.js";
import { RECEIPT } from "../execute/index.js";
import { plural, showBytes } from "../report/index.js";
import { isFatal, jsonDiagnostics, tellDiagnostics } from "./diagnose.js";
import type { Arguments } from "./options.js";
import type { Terminal } from "./terminal.js";
import { exitCode } from "./usage.js";
import { isGiven } from "./values.js";

interface Receipt {
  readonly digest: string | null;
  readonly tensors: ReadonlyMap<string, RecordedTensor>;
}

interface RecordedTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly sha256: string | null;
}

const largestReceipt = 256 * 1024 * 1024;
const pieceBytes = 1024 * 1024;

export function verify(args: Arguments, terminal: Terminal): number {
  const folder = args.operands[0];
  const found = compare(folder);
  const ok = !isFatal(found.diagnostics, false);
  if (isGiven(args, "json")) {
    const { digest, tensors, bytes } = found;
    const diagnostics = jsonDiagnostics(found.diagnostics, new Map());
    terminal.print(JSON.stringify({ ok, path: folder, tensors, bytes, digest, diagnostics }, null, 2));
  } else {
    tellDiagnostics(terminal, found.diagnostics, new Map());
    if (ok) {
      terminal.print(`${visible(folder)}: ${plural(found.tensors, "tensor")}, ${showBytes(found.bytes)}, as written`);
      if (found.digest !== null) terminal.print(`digest ${found.digest}`);
    }
  }
  return ok ? exitCode.done : exitCode.diagnostics;
}

interface Comparison {
  readonly diagnostics: readonly Diagnostic[];
  readonly tensors: number;
  readonly bytes: number;
  /** The digest of the output as it is now. */
  readonly digest: string | null;
}

function compare(folder: string): Comparison {
  try {
    const receipt = readReceipt(path.join(folder, RECEIPT));
    const tensors = [...openCheckpoint(folder).tensors.values()];
    const lines = tensors.map((tensor) => ({ ...tensor, hex: tensorDigest(tensor) }));
    const digest = tensorListDigest(lines);
    const present = new Set(tensors.map(({ name }) => name));
    const diagnostics = [
      ...lines.flatMap((line) => compareTensor(folder, line, receipt.tensors.get(line.name))),
      ...[...receipt.tensors.keys()]
        .filter((name) => !present.has(name))
        .map((name) => diagnostic("C007", `the output lacks ${quoteName(name)}`, at(folder), { help: rerun })),
      ...compareDigest(folder, receipt, digest),
    ];
    return { diagnostics, tensors: tensors.length, bytes: tensors.reduce((sum, t) => sum + t.bytes, 0), digest };
  } catch (error) {
    if (!(error instanceof PeftError)) throw error;
    return { diagnostics: error.diagnostics, tensors: 0, bytes: 0, digest: null };
  }
}

const rerun = "run the recipe again: its text is in the receipt";

function compareTensor(
  folder: string,
  tensor: TensorEntry & { readonly hex: string },
  recorded: RecordedTensor | undefined,
): Diagnostic[] {
  const name = quoteName(tensor.name);
  if (recorded === undefined) {
    return [
      diagnostic("C007", `the output holds ${name}, which the receipt does not know`, at(folder), { help: rerun }),
    ];
  }
  const [now, then] = [describe(tensor), describe(recorded)];
  if (now !== then) {
    return [diagnostic("C006", `${name} is ${now}, the receipt says ${then}`, at(folder), { help: rerun })];
  }
  if (recorded.sha256 === null || recorded.sha256 === tensor.hex) return [];
  return [
    diagnostic("C006", `the bytes of ${name} are not those that were written`, at(folder), {
      notes: [`digest ${tensor.hex}`, `written ${visible(recorded.sha256)}`],
      help: rerun,
    }),
  ];
}

function compareDigest(folder: string, receipt: Receipt, digest: string): Diagnostic[] {
  if ([...receipt.tensors.values()].some(({ sha256 }) => sha256 === null)) {
    return [
      diagnostic("C008", "the receipt holds no digests: only names, dtypes and shapes were compared", at(folder), {
        severity: "warning",
        help: "run the recipe without --no-hash",
      }),
    ];
  }
  const own = tensorListDigest([...receipt.tensors].map(([name, t]) => ({ ...t, name, hex: t.sha256! }) as never));
  if (receipt.digest === null || own === receipt.digest) return [];
  return [
    diagnostic(
      "C006",
      "the digest in the receipt is not that of its own tensors: the receipt was changed",
      at(folder),
      {
        notes: [`digest ${digest}`, `receipt ${visible(receipt.digest)}`],
        help: rerun,
      },
    ),
  ];
}

function at(file: string) {
  return { file, span: null };
}

function describe({ dtype, shape }: { readonly dtype: string; readonly shape: readonly number[] }): string {
  return `${visible(dtype)}[${shape.join(", ")}]`;
}

/** SHA-256 of a tensor's bytes, read piece by piece. */
function tensorDigest({ file, offset, bytes }: TensorEntry): string {
  const hash = createHash("sha256");
  const piece = new Uint8Array(Math.min(pieceBytes, Math.max(1, bytes)));
  const fd = fs.openSync(file, "r");
  try {
    for (let done = 0; done < bytes; ) {
      const count = fs.readSync(fd, piece, 0, Math.min(piece.length, bytes - done), offset + done);
      if (count === 0) break;
      hash.update(piece.subarray(0, count));
      done += count;
    }
  } finally {
    fs.closeSync(fd);
  }
  return hash.digest("hex");
}

function readReceipt(file: string): Receipt {
  const text = readText(file, largestReceipt);
  const parsed = text === null ? null : parseJson(text);
  if (parsed === null || !parsed.ok) return refuseReceipt(file, "it is not JSON");
  const receipt = plainJson(parsed.value);
  const output = field(receipt, "output");
  const list = field(receipt, "tensors");
  if (!Array.isArray(list)) return refuseReceipt(file, "it lists no tensors");
  const tensors = new Map<string, RecordedTensor>();
  for (const entry of list) {
    const [name, dtype, shape, sha256] = ["name", "dtype", "shape", "sha256"].map((key) => field(entry, key));
    const isShape = Array.isArray(shape) && shape.every((d) => typeof d === "number");
    if (typeof name !== "string" || typeof dtype !== "string" || !isShape) {
      return refuseReceipt(file, "an entry lacks name, dtype or shape");
    }
    tensors.set(name, { dtype, shape: shape as number[], sha256: typeof sha256 === "string" ? sha256 : null });
  }
  const digest = field(output, "digest");
  return { digest: typeof digest === "string" ? digest : null, tensors };
}

function field(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as { readonly [key: string]: unknown })[key];
}

function refuseReceipt(file: string, why: string): never {
  throw new PeftError([
    diagnostic("C005", `the receipt cannot be read: ${why}`, at(file), { help: "name the output of a run" }),
  ]);
}

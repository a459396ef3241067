/**
 * Digests of tensors and of lists of tensors.
 *
 * In: for each tensor its name, dtype, shape and the SHA-256 of its bytes. Out: one SHA-256 that stands for all of them,
 * however they are spread over files. The digest of a list is the SHA-256 of the UTF-8 text that has, for each tensor in
 * the byte order of the names, the line
 *
 *     "name" dtype shape hex\n
 *
 * with the name as a JSON string in ASCII (so that no name can forge a line), the shape as `2x3`, or `scalar` for rank
 * 0, and lower-case hex.
 */
import { createHash } from "node:crypto";
import type { StorageDtype } from "../../compiler/index.js";
import { byBytes } from "./quote.js";

export interface DigestLine {
  readonly name: string;
  readonly dtype: StorageDtype;
  readonly shape: readonly number[];
  /** SHA-256 of the tensor's bytes, 64 lower-case hexadecimal digits. */
  readonly hex: string;
}

/** The digest of a list of tensors, in hex; the order of `lines` does not matter. */
export function tensorListDigest(lines: readonly DigestLine[]): string {
  const hash = createHash("sha256");
  for (const line of [...lines].sort((a, b) => byBytes(a.name, b.name))) hash.update(digestLine(line));
  return hash.digest("hex");
}

function digestLine({ name, dtype, shape, hex }: DigestLine): string {
  const ascii = JSON.stringify(name).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `${ascii} ${dtype} ${shape.length === 0 ? "scalar" : shape.join("x")} ${hex}\n`;
}

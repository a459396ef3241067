/**
 * NaN and infinities in outputs. In: an output that was written and how many of its elements are not finite. Out: an error
 * X011 that names the first one; the run ends with it.
 */
import * as fs from "node:fs";
import { bytesOf, decodeElements, type Output } from "../../compiler/index.js";
import { diagnostic, type Location, PeftError } from "../../grammar/index.js";
import type { HostValues } from "./host-values.js";
import type { FileRange } from "./job.js";

/** A NaN or infinity in an output stops the run; the message names the first one. */
export function refuseNonFinite(output: Output, blame: Location, values: HostValues, range: FileRange): void {
  if (output.nonFinite === null || values.get(output.nonFinite) === 0) return;
  const width = bytesOf(output.dtype);
  const buffer = new Uint8Array(1 << 16);
  const fd = fs.openSync(range.path, "r");
  try {
    for (let at = 0; at < range.bytes; at += buffer.length) {
      const n = fs.readSync(fd, buffer, 0, Math.min(buffer.length, range.bytes - at), range.offset + at);
      const numbers = decodeElements(buffer, output.dtype, 0, Math.floor(n / width));
      const first = numbers.findIndex((x) => !Number.isFinite(x));
      if (first < 0) continue;
      const flat = at / width + first;
      throw new PeftError([
        diagnostic(
          "X011",
          `the output tensor ${JSON.stringify(output.name)} holds ${numbers[first]} at [${coordinates(flat, output.shape).join(", ")}] (${values.get(output.nonFinite)} of its elements are not finite)`,
          blame,
          {
            label: "saved here",
            help: "look for NaN or Inf in the inputs with `peftc inspect`, or for a division by zero in the method; a narrow dtype may overflow",
          },
        ),
      ]);
    }
  } finally {
    fs.closeSync(fd);
  }
}

function coordinates(flat: number, shape: readonly number[]): number[] {
  const result: number[] = [];
  let rest = flat;
  for (let i = shape.length - 1; i >= 0; i--) {
    result.unshift(rest % shape[i]);
    rest = Math.floor(rest / shape[i]);
  }
  return result;
}

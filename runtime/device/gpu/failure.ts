/** Diagnostics of the GPU runner as values; codes and pages are in catalogue.ts. */
import { diagnostic, PeftError } from "../../../grammar/index.js";

export type GpuCode = "V001" | "V002" | "V003" | "V004" | "V005" | "V006";

/** An error with one diagnostic about the device. */
export function gpuError(
  code: GpuCode,
  message: string,
  help: string | null = null,
  notes: readonly string[] = [],
): PeftError {
  return new PeftError([diagnostic(code, message, { file: "gpu", span: null }, { help, notes })]);
}

/** Text of whatever was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

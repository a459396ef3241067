/**
 * The end of a run, in words. In: its outputs and its reported values. Out: lines for a reader: what was reported, where
 * the outputs are, how much in them was computed, and which selected tensors came out as they went in.
 */
import { visible } from "../../grammar/index.js";
import { escapeName, type Json } from "../checkpoint/index.js";
import { plural, showBytes, showSeconds } from "./amounts.js";
import { reportLines } from "./values.js";

export interface RunOutput {
  readonly path: string;
  readonly tensors: number;
  readonly computed: number;
  readonly copied: number;
  readonly bytes: number;
  /** Elements of all its tensors. */
  readonly numbers: number;
  readonly digest: string | null;
  /** Names of selected tensors that equal their reference. */
  readonly unchanged: readonly string[];
}

export interface RunSummary {
  readonly outputs: readonly RunOutput[];
  readonly reports: readonly { readonly label: string; readonly value: Json }[];
  readonly device: string;
  readonly seconds: number;
  /** Bytes. */
  readonly peakMemory: number;
}

const namesShown = 5;

/** Reported values first, then the outputs, then what the run took. */
export function summaryLines(run: RunSummary): string[] {
  return [
    ...run.reports.flatMap(({ label, value }) => reportLines(label, value)),
    ...run.outputs.flatMap(outputLines),
    `${showSeconds(run.seconds)} on ${run.device}, ${showBytes(run.peakMemory)} of memory`,
  ];
}

function outputLines(output: RunOutput): string[] {
  const lines = [
    `${visible(output.path)}: ${plural(output.tensors, "tensor")} (${output.computed} computed, ${output.copied} copied), ${showBytes(output.bytes)}`,
  ];
  if (output.digest !== null) lines.push(`  digest ${output.digest}`);
  if (output.unchanged.length > 0) {
    const names = output.unchanged.slice(0, namesShown).map(escapeName).join(", ");
    const more = output.unchanged.length - namesShown;
    lines.push(
      `  ${plural(output.unchanged.length, "selected tensor")} came out unchanged: ${names}${more > 0 ? ` and ${more} more` : ""}`,
    );
  }
  return lines;
}

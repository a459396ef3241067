/**
 * `peftc inspect PATH`: what is in a checkpoint or an adapter, from the headers alone; with `--base`, what an adapter changes.
 */
import { visible } from "../../grammar/index.js";
import { escapeName, type Inspection, inspectPath } from "../checkpoint/index.js";
import { plural, showBytes, showCount, table } from "../report/index.js";
import { jsonDiagnostics, tellDiagnostics } from "./diagnose.js";
import { type AdapterFacts, adapterFacts, adapterLines } from "./inspect-adapter.js";
import type { Arguments } from "./options.js";
import type { Terminal } from "./terminal.js";
import { exitCode, UsageError } from "./usage.js";
import { isGiven, textOf } from "./values.js";

export async function inspect(args: Arguments, terminal: Terminal): Promise<number> {
  const found = inspectPath(args.operands[0]);
  const base = textOf(args, "base");
  if (base !== null && found.kind !== "adapter")
    throw new UsageError("--base is for adapters, and this is a model", "leave out --base");
  const adapter = found.kind === "adapter" ? await adapterFacts(found, base) : null;
  if (isGiven(args, "json")) {
    terminal.print(JSON.stringify({ ...jsonOf(found), ...(adapter === null ? {} : adapterJson(adapter)) }, null, 2));
  } else {
    tellDiagnostics(terminal, found.warnings, new Map());
    terminal.print(linesOf(found, adapter === null ? [] : ["", ...adapterLines(adapter)]).join("\n"));
  }
  return exitCode.done;
}

function linesOf(found: Inspection, more: readonly string[]): string[] {
  const kinds = { folder: "model folder", file: "file of weights", adapter: "adapter" } as const;
  const facts = [
    `${kinds[found.kind]}${found.modelType === null ? "" : ` of type ${visible(found.modelType)}`}`,
    ...(found.adapterType === null ? [] : [`method ${visible(found.adapterType)}`]),
    plural(found.tensors.length, "tensor"),
    `${showCount(found.parameters)} parameters`,
    showBytes(found.bytes),
  ];
  const files = table(
    [
      { title: "file", align: "left" },
      { title: "tensors", align: "right" },
      { title: "bytes", align: "right" },
    ],
    found.files.map((file) => [visible(file.path), String(file.tensors), showBytes(file.fileBytes)]),
  );
  const dtypes = table(
    [
      { title: "dtype", align: "left" },
      { title: "tensors", align: "right" },
      { title: "parameters", align: "right" },
      { title: "bytes", align: "right" },
    ],
    [...found.byDtype].map(([dtype, total]) => [
      dtype,
      String(total.tensors),
      showCount(total.parameters),
      showBytes(total.bytes),
    ]),
  );
  const tensors = table(
    [
      { title: "tensor", align: "left" },
      { title: "dtype", align: "left" },
      { title: "shape", align: "left" },
      { title: "bytes", align: "right" },
    ],
    found.tensors.map(({ name, dtype, shape, bytes }) => [
      escapeName(name),
      dtype,
      `[${shape.join(", ")}]`,
      showBytes(bytes),
    ]),
  );
  return [
    `${visible(found.path)}: ${facts.join(", ")}`,
    ...(found.carried.length > 0 ? [`with ${found.carried.map(visible).join(", ")}`] : []),
    ...found.tied.map(([alias, name]) => `${escapeName(alias)} is tied to ${escapeName(name)}`),
    ...more,
    "",
    ...files,
    "",
    ...dtypes,
    "",
    ...tensors,
  ];
}

function adapterJson({ settings, hosts, norms }: AdapterFacts) {
  return { settings, hosts: Object.fromEntries(hosts), changes: norms === null ? null : Object.fromEntries(norms) };
}

function jsonOf(found: Inspection) {
  return {
    path: found.path,
    kind: found.kind,
    modelType: found.modelType,
    adapterType: found.adapterType,
    parameters: found.parameters,
    bytes: found.bytes,
    byDtype: Object.fromEntries(found.byDtype),
    files: found.files.map(({ path, fileBytes, headerBytes, tensors }) => ({ path, fileBytes, headerBytes, tensors })),
    tensors: found.tensors.map(({ name, dtype, shape, bytes }) => ({ name, dtype, shape, bytes })),
    tied: found.tied,
    carried: found.carried,
    diagnostics: jsonDiagnostics(found.warnings, new Map()),
  };
}

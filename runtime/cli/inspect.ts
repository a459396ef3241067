/**
 * `peftc inspect PATH`: what is in a checkpoint or an adapter, from the headers alone.
 */
import { visible } from "../../grammar/index.js";
import { escapeName, type Inspection, inspectPath } from "../checkpoint/index.js";
import { plural, showBytes, showCount, table } from "../report/index.js";
import { jsonDiagnostics, tellDiagnostics } from "./diagnose.js";
import type { Arguments } from "./options.js";
import type { Terminal } from "./terminal.js";
import { exitCode } from "./usage.js";
import { isGiven } from "./values.js";

export function inspect(args: Arguments, terminal: Terminal): number {
  const found = inspectPath(args.operands[0]);
  if (isGiven(args, "json")) {
    terminal.print(JSON.stringify(jsonOf(found), null, 2));
  } else {
    tellDiagnostics(terminal, found.warnings, new Map());
    terminal.print(linesOf(found).join("\n"));
  }
  return exitCode.done;
}

function linesOf(found: Inspection): string[] {
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
    "",
    ...files,
    "",
    ...dtypes,
    "",
    ...tensors,
  ];
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

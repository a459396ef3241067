/**
 * The files of a dataset. In: a path. Out: the files that hold rows, each with its format (by the end of its name) and
 * the split it stands for. A file is the whole dataset; in a folder each file is a split that is called like the file.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { fail, PeftError } from "../../grammar/index.js";
import { quoteName, readFailure } from "../checkpoint/index.js";
import { at } from "./text.js";

export type Format =
  | { readonly kind: "tensors" }
  | { readonly kind: "json lines" }
  | { readonly kind: "separated"; readonly separator: string }
  | { readonly kind: "text" };

export interface Part {
  readonly file: string;
  readonly format: Format;
  /** Null for a file that is the whole dataset. */
  readonly split: string | null;
}

const formats: ReadonlyMap<string, Format> = new Map<string, Format>([
  [".safetensors", { kind: "tensors" }],
  [".jsonl", { kind: "json lines" }],
  [".ndjson", { kind: "json lines" }],
  [".csv", { kind: "separated", separator: "," }],
  [".tsv", { kind: "separated", separator: "\t" }],
  [".txt", { kind: "text" }],
  [".md", { kind: "text" }],
]);

const known = [...formats.keys()].join(", ");

/** The parts of the dataset at `target` (absolute). Throws PeftError: F001 to F004, D001 where nothing is a dataset. */
export function partsAt(target: string): Part[] {
  if (fs.statSync(target, { throwIfNoEntry: false })?.isDirectory() ?? false) return partsOfFolder(target);
  const end = path.extname(target).toLowerCase();
  const format = formats.get(end);
  if (format !== undefined) return [{ file: target, format, split: null }];
  if (!fs.existsSync(target))
    throw new PeftError([readFailure(target, Object.assign(new Error(), { code: "ENOENT" }))]);
  const help =
    end === ".json"
      ? "write one object a line (`jq -c '.[]' data.json > data.jsonl`)"
      : end === ".parquet" || end === ".arrow"
        ? 'convert it once, in Python: datasets.load_dataset(…).to_json("train.jsonl")'
        : `a dataset is a file that ends in ${known}, or a folder of such files`;
  fail("D001", `expected a dataset (${known}), found a file that ends in ${quoteName(end)}`, at(target), { help });
}

function partsOfFolder(folder: string): Part[] {
  let names: string[];
  try {
    names = fs.readdirSync(folder).sort();
  } catch (error) {
    throw new PeftError([readFailure(folder, error)]);
  }
  const parts = new Map<string, Part>();
  for (const name of names) {
    const format = formats.get(path.extname(name).toLowerCase());
    // Folders from the Hub hold a description of the data.
    if (format === undefined || /^(readme|license)\./i.test(name)) continue;
    const split = name.slice(0, name.length - path.extname(name).length);
    const other = parts.get(split);
    if (other !== undefined)
      fail(
        "D001",
        `${quoteName(path.basename(other.file))} and ${quoteName(name)} would be the same split`,
        at(folder),
        {
          help: "keep one of them, or name the file that you mean",
        },
      );
    parts.set(split, { file: path.join(folder, name), format, split });
  }
  if (parts.size === 0)
    fail("D001", `the folder holds no dataset (${known})`, at(folder), {
      help: "name a file, or a folder with a file for each split: train.jsonl, test.jsonl",
    });
  return [...parts.values()];
}

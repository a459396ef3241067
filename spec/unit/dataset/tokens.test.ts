/** Texts as token columns: filling up, masks, labels, pairs, windows, and what is said about lost text. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Table } from "../../../compiler/dataset/index.js";
import { decodeElements } from "../../../compiler/ir/index.js";
import { type DatasetOptions, openDataset } from "../../../runtime/dataset/index.js";
import { failsWith, fileOf, folderOf, tensorFile } from "./files.js";

const folder = "spec/golden/tokenizers";
const words = `${folder}/bert-char`;
const characters = `${folder}/gpt2-char`;

/** The rows of a column of tokens. */
function rows(table: Table, name: string): number[][] {
  const column = table.columns.get(name);
  if (column?.source.kind !== "memory") throw new Error(`no column ${name} in memory`);
  assert.is(column.dtype, "I32");
  const [count, length] = column.shape;
  const values = [...decodeElements(column.source.data, column.dtype, 0, count * length)];
  return Array.from({ length: count }, (_, i) => values.slice(i * length, (i + 1) * length));
}

const jsonl = (list: readonly object[]) => fileOf(list.map((one) => `${JSON.stringify(one)}\n`).join(""), "d.jsonl");

test("rows are filled up on the right", () => {
  const data = openDataset(
    jsonl([
      { text: "to be", label: 1 },
      { text: "or", label: 0 },
    ]),
    { tokenizer: words },
  );
  assert.equal([...data.table!.columns.keys()], ["label", "input_ids", "attention_mask"]);
  assert.equal(rows(data.table!, "input_ids"), [
    [2, 63, 58, 6, 45, 48, 3],
    [2, 58, 61, 3, 0, 0, 0],
  ]);
  assert.equal(rows(data.table!, "attention_mask"), [
    [1, 1, 1, 1, 1, 1, 1],
    [1, 1, 1, 1, 0, 0, 0],
  ]);
  assert.equal(data.table!.texts.get("text"), ["to be", "or"]);
  assert.is(data.files.length, 3);
  assert.equal(data.warnings, []);
});

test("a declared length cuts and fills up, and says what it cut", () => {
  const data = openDataset(jsonl([{ text: "to be" }, { text: "or" }]), { tokenizer: words, length: 5 });
  assert.equal(rows(data.table!, "input_ids"), [
    [2, 63, 58, 6, 45],
    [2, 58, 61, 3, 0],
  ]);
  assert.equal(
    data.warnings.map((one) => [one.code, one.message]),
    [["D016", "1 of 2 texts are cut to 5 tokens"]],
  );
  for (const length of [0, -1, 1.5, Number.NaN])
    failsWith("D014", () => openDataset(jsonl([{ text: "a" }]), { tokenizer: words, length }));
});

test("pairs have token types", () => {
  const data = openDataset(jsonl([{ a: "to be", b: "or not" }]), { tokenizer: words, text: "a", pair: "b" });
  assert.equal(rows(data.table!, "token_type_ids"), [[0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1]]);
});

test("prompts are no labels", () => {
  const data = openDataset(
    jsonl([
      { q: "to ", text: "be" },
      { q: "o", text: "r" },
    ]),
    { tokenizer: characters, prompt: "q" },
  );
  assert.equal(rows(data.table!, "input_ids"), [
    [58, 53, 1, 40, 43],
    [53, 56, 0, 0, 0],
  ]);
  assert.equal(rows(data.table!, "labels"), [
    [-100, -100, -100, 40, 43],
    [-100, 56, -100, -100, -100],
  ]);
});

test("splits have rows of one length; texts that look like numbers are texts", () => {
  const data = openDataset(folderOf({ "a.csv": "text\n007\n", "b.csv": "text\nto be\n" }), { tokenizer: words });
  assert.equal(data.splits.get("a")!.columns.get("input_ids")!.shape, [1, 7]);
  assert.equal(data.splits.get("a")!.texts.get("text"), ["007"]);
});

test("windows", () => {
  const text = "First Citizen:";
  const ids = [18, 47, 56, 57, 58, 1, 15, 47, 58, 47, 64, 43, 52, 10];
  const open = (options: DatasetOptions) => openDataset(fileOf(text, "d.txt"), { tokenizer: characters, ...options });
  const apart = open({ length: 4 });
  assert.equal([...apart.table!.columns.keys()], ["input_ids"]);
  assert.equal(rows(apart.table!, "input_ids"), [ids.slice(0, 4), ids.slice(4, 8), ids.slice(8, 12)]);
  assert.equal(apart.notes, ["d.txt: the last 2 of 14 tokens fill no window"]);
  const overlapping = open({ length: 4, stride: 5 });
  assert.equal(rows(overlapping.table!, "input_ids"), [ids.slice(0, 4), ids.slice(5, 9), ids.slice(10, 14)]);
  assert.equal(overlapping.notes, []);
  assert.equal(rows(open({ length: 14 }).table!, "input_ids"), [ids]);
  assert.match(failsWith("D014", () => open({ length: 15 })).message, "14 tokens, fewer than one window of 15");
  failsWith("D014", () => open({ length: 4, stride: 0 }));
  failsWith("D014", () => open({}));
  failsWith("D007", () => openDataset(fileOf(text, "d.txt"), { length: 4 }));
});

test("windows that would fill the memory", () => {
  const file = fileOf("a".repeat(70_000), "d.txt");
  const found = failsWith("D014", () => openDataset(file, { tokenizer: characters, length: 35_000, stride: 1 }));
  assert.match(found.message, "more than 1 GiB");
});

test("characters without a token are told", () => {
  const lost = openDataset(fileOf("caf\u00e9 au lait", "d.txt"), { tokenizer: characters, length: 2 });
  assert.equal(
    lost.warnings.map((one) => [one.code, one.message]),
    [["D017", 'the tokenizer has no token for "\u00e9": such characters vanish']],
  );
  const unknown = openDataset(jsonl([{ text: "caf\u00e9" }]), { tokenizer: words });
  assert.match(unknown.warnings[0].message, "does not know 1 pieces");
});

test("fields that are not there", () => {
  const file = jsonl([{ sentence: "a", label: 0 }]);
  assert.is(
    failsWith("D008", () => openDataset(file, { tokenizer: words, text: "sentance" })).help,
    'did you mean "sentence"?',
  );
  assert.match(
    failsWith("D008", () => openDataset(file, { tokenizer: words })).help ?? "",
    'the file has "sentence", "label"',
  );
  failsWith("D008", () => openDataset(file, { label: "__proto__" }));
  failsWith("D006", () => openDataset(file, { tokenizer: words, text: "label" }));
  failsWith("D003", () => openDataset(jsonl([{ text: "a", input_ids: [1] }]), { tokenizer: words }));
});

test("a table of tensors takes no tokenizer", () => {
  const file = fileOf(tensorFile([["x", [2]]]), "a.safetensors");
  failsWith("D007", () => openDataset(file, { tokenizer: words }));
});

test.run();

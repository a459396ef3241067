/** Tables of tensors: headers, splits, reading rows, checks of labels. */
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Column, rowCount, selectRows, splitTable, type Table } from "../../../compiler/dataset/index.js";
import { checkLabels, checkTokenIds, DatasetReader, openDataset } from "../../../runtime/dataset/index.js";
import { failsWith, fileOf, freshFolder, tensorFile } from "./files.js";

const shapes = [
  ["train.images", [6, 2, 2]],
  ["train.labels", [6]],
  ["test.images", [3, 2, 2]],
  ["test.labels", [3]],
] as const;

test("names before the dot are splits", () => {
  const file = fileOf(tensorFile(shapes), "digits.safetensors");
  const data = openDataset(file);
  assert.is(data.table, null);
  assert.equal([...data.splits.keys()], ["train", "test"]);
  const train = data.splits.get("train")!;
  assert.is(rowCount(train), 6);
  const { name, dtype, shape, source } = train.columns.get("labels")!;
  assert.equal([name, dtype, shape], ["labels", "U8", [6]]);
  assert.is(source.file, file);
  assert.equal(data.files, [file]);
});

test("names without a dot are the table; hostile names", () => {
  const data = openDataset(
    fileOf(
      tensorFile([
        ["x", [2, 3]],
        ["__proto__.constructor", [4]],
        ["y", [2]],
      ]),
      "a.safetensors",
    ),
  );
  assert.equal([...data.table!.columns.keys()], ["x", "y"]);
  assert.equal([...data.splits.keys()], ["__proto__"]);
  assert.equal([...data.splits.get("__proto__")!.columns.keys()], ["constructor"]);
});

test("only the header is read to open a table", () => {
  const bytes = tensorFile([["x", [1000, 1000]]]);
  const file = fileOf(bytes, "a.safetensors");
  const data = openDataset(file);
  // What is changed after opening is seen when rows are read.
  fs.writeFileSync(file, bytes.fill(9, bytes.length - 1000));
  const reader = new DatasetReader();
  assert.equal([...reader.rows(data.table!.columns.get("x")!, [999]).subarray(0, 3)], [9, 9, 9]);
  reader.close();
});

test("tables that are none", () => {
  const open = (list: Parameters<typeof tensorFile>[0]) => openDataset(fileOf(tensorFile(list), "a.safetensors"));
  const different = failsWith("D003", () =>
    open([
      ["x", [2, 3]],
      ["y", [3]],
    ]),
  );
  assert.match(different.message, '"y" has 3 rows, but "x" has 2');
  failsWith("D003", () =>
    open([
      ["x", [2]],
      ["n", []],
    ]),
  );
  failsWith("D003", () => open([["n", []]]));
  failsWith("D002", () =>
    open([
      ["x", [0, 3]],
      ["y", [0]],
    ]),
  );
  failsWith("D002", () => open([]));
  failsWith("F024", () => openDataset(fileOf(tensorFile(shapes).subarray(0, -1), "a.safetensors")));
});

test("rows of a split of a split", () => {
  const data = openDataset(fileOf(tensorFile(shapes), "digits.safetensors"));
  const train = data.splits.get("train")!;
  const last = splitTable(
    train,
    new Map([
      ["a", 0.5],
      ["b", 0.5],
    ]),
    null,
  ).get("b")!;
  const picked = selectRows(last, [2, 0]);
  const reader = new DatasetReader();
  const batch = reader.batch(picked, [1, 0, 0]);
  assert.equal([...batch.get("images")!], [12, 13, 14, 15, 20, 21, 22, 23, 20, 21, 22, 23]);
  assert.equal([...batch.get("labels")!], [27, 29, 29]);
  assert.equal([...reader.batch(train, [], ["labels"]).get("labels")!], []);
  assert.throws(() => reader.batch(picked, [2]), /row 2 of a table of 2 rows/);
  assert.throws(() => reader.batch(train, [0], ["label"]), /no column "label"/);
  assert.throws(() => reader.rows(train.columns.get("labels")!, [5, 6]), /rows 5 to 6/);
  assert.throws(() => reader.rows(train.columns.get("labels")!, [Number.NaN]), RangeError);
  reader.close();
});

test("a large column is read by rows", () => {
  const rows = 70;
  const width = 2 ** 20;
  const file = path.join(freshFolder(), "large.safetensors");
  const header = `{"x":{"dtype":"U8","shape":[${rows},${width}],"data_offsets":[0,${rows * width}]}}`;
  const start = 8 + header.length;
  const fd = fs.openSync(file, "w");
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true);
  fs.writeSync(fd, length, 0, 8, 0);
  fs.writeSync(fd, header, 8);
  // A sparse file: only a byte of rows 3, 4 and 69 is not 0.
  for (const row of [3, 4, 69]) fs.writeSync(fd, Uint8Array.of(row), 0, 1, start + row * width + 1);
  fs.writeSync(fd, Uint8Array.of(1), 0, 1, start + rows * width - 1);
  fs.closeSync(fd);
  const column = openDataset(file).table!.columns.get("x")!;
  const reader = new DatasetReader();
  const bytes = reader.rows(column, [69, 3, 4, 0]);
  assert.equal(
    [0, 1, 2, 3].map((i) => bytes[i * width + 1]),
    [69, 3, 4, 0],
  );
  fs.truncateSync(file, start + 10 * width);
  failsWith("D015", () => reader.rows(column, [50]));
  reader.close();
  fs.rmSync(file);
  failsWith("F001", () => new DatasetReader().rows(column, [0]));
});

function memoryTable(dtype: "I32" | "F32", values: readonly number[], width = 1): [Table, Column] {
  const data = new Uint8Array((dtype === "I32" ? Int32Array : Float32Array).from(values).buffer);
  const shape = width === 1 ? [values.length] : [values.length / width, width];
  const column: Column = {
    name: "labels",
    dtype,
    shape,
    source: { kind: "memory", file: "d.jsonl", data },
    classes: null,
  };
  return [
    { rows: { kind: "range", first: 0, count: shape[0] }, columns: new Map([["labels", column]]), texts: new Map() },
    column,
  ];
}

test("labels out of range", () => {
  checkLabels(...memoryTable("I32", [0, 9, -100, 3]), 10);
  const high = failsWith("D009", () => checkLabels(...memoryTable("I32", [0, 9, 10, 11]), 10));
  assert.match(high.message, 'row 2 of "labels" has the label 10, but there are 10 classes');
  assert.is(high.primary.file, "d.jsonl");
  failsWith("D009", () => checkLabels(...memoryTable("I32", [0, -1]), 10));
  failsWith("D009", () => checkLabels(...memoryTable("F32", [0, 1]), 10));
  const [table, column] = memoryTable("I32", [0, 50, 1]);
  checkLabels(selectRows(table, [0, 2]), column, 10);
  const second = failsWith("D011", () => checkTokenIds(...memoryTable("I32", [0, 1, 2, 65], 2), 65));
  assert.match(second.message, /row 1 .* token 65/);
  failsWith("D011", () => checkTokenIds(...memoryTable("I32", [0, -100]), 65));
});

test("declared classes are held when a dataset is opened", () => {
  const file = fileOf(tensorFile(shapes), "digits.safetensors");
  // The labels of train are the bytes 24 to 29.
  openDataset(file, { classes: 250 });
  assert.match(failsWith("D009", () => openDataset(file, { classes: 27 })).message, "row 3");
  failsWith("D008", () => openDataset(file, { classes: 250, label: "digit" }));
  const words = fileOf("x,label\n1,b\n2,a\n3,c\n", "d.csv");
  assert.match(
    failsWith("D009", () => openDataset(words, { classes: 2 })).message,
    'row 2 of "label" has the label 2 ("c")',
  );
});

test.run();

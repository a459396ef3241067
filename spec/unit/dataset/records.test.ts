/** CSV and JSONL: what is read, and what is refused at which line. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Column } from "../../../compiler/dataset/index.js";
import { decodeElements } from "../../../compiler/ir/index.js";
import { openDataset } from "../../../runtime/dataset/index.js";
import { failsWith, fileOf, folderOf } from "./files.js";

const tableOf = (text: string, name = "d.csv") => openDataset(fileOf(text, name)).table!;

function numbers(column: Column | undefined): number[] {
  if (column?.source.kind !== "memory") throw new Error("no column in memory");
  const count = column.shape.reduce((a, b) => a * b, 1);
  return [...decodeElements(column.source.data, column.dtype, 0, count)];
}

test("columns of a CSV file", () => {
  const table = tableOf(
    '\ufeffx, y ,name,__proto__\r\n1,0.5,a,1\r\n\r\n-2,1e3," b, ""c""\n",3000000000\r\n3,nan,,-0\r\n',
  );
  assert.equal([...table.columns.keys()], ["x", "y", "__proto__"]);
  assert.equal([table.columns.get("x")!.dtype, numbers(table.columns.get("x"))], ["I32", [1, -2, 3]]);
  assert.equal([table.columns.get("y")!.dtype, numbers(table.columns.get("y"))], ["F32", [0.5, 1000, Number.NaN]]);
  assert.equal([table.columns.get("__proto__")!.dtype, numbers(table.columns.get("__proto__"))], ["I64", [1, 3e9, 0]]);
  assert.equal(table.texts.get("name"), ["a", ' b, "c"\n', ""]);
});

test("the last row may do without a line end, and end with an empty cell", () => {
  assert.equal(tableOf("a,b\n1,x\n2,").texts.get("b"), ["x", ""]);
  assert.equal(tableOf('a\tb\n1\t"x\ty"', "d.tsv").texts.get("b"), ["x\ty"]);
  assert.equal(tableOf('a,b\n1,"x"\r\n2,y').texts.get("b"), ["x", "y"]);
});

test("malformed CSV", () => {
  const wrong: readonly [string, RegExp][] = [
    ["a,a\n1,2\n", /^line 1: two columns are called "a"$/],
    ["a,\n1,2\n", /^line 1: column 2 has no name$/],
    ["a,b\n1,2\n\n3\n", /^line 4: expected 2 cells, found 1$/],
    ['a,b\n"x\ny",2,3\n', /^line 2: expected 2 cells, found 3$/],
    ['a,b\n"x\ny",1\n"z,2\n', /^line 4: a quote is opened here and never closed$/],
    ['a\n"x"y\n', /^line 2: expected a separator after a closing quote, found "y"$/],
    ['a\nx"y"\n', /^line 2: a quote inside a cell/],
  ];
  for (const [text, message] of wrong) assert.match(failsWith("D005", () => tableOf(text)).message, message);
  failsWith("D002", () => tableOf("a,b\n"));
  failsWith("D002", () => tableOf(""));
});

test("columns of JSONL", () => {
  const table = tableOf(
    '{"x": 1, "v": [[1, 2], [3, 4.5]], "ok": true, "label": "dog", "note": "n"}\n\n{"note": "m", "label": "cat", "ok": false, "v": [[0, 0], [0, NaN]], "x": 2}\n',
    "d.jsonl",
  );
  assert.equal(table.columns.get("v")!.shape, [2, 2, 2]);
  assert.equal(numbers(table.columns.get("v")), [1, 2, 3, 4.5, 0, 0, 0, Number.NaN]);
  assert.equal([table.columns.get("ok")!.dtype, numbers(table.columns.get("ok"))], ["BOOL", [1, 0]]);
  assert.equal(
    [table.columns.get("label")!.classes, numbers(table.columns.get("label"))],
    [
      ["cat", "dog"],
      [1, 0],
    ],
  );
  assert.equal(table.texts.get("note"), ["n", "m"]);
});

test("malformed JSONL", () => {
  const wrong: readonly [string, string, RegExp][] = [
    ["D004", '{"a": 1}\n{"a": }', /^line 2, column 7: expected a value/],
    ["D004", '{"a": 1, "a": 2}', /^line 1, column 10: the field "a" stands there twice$/],
    ["D004", "\n[1]", /^line 2: expected an object, found \[1\]$/],
    ["D006", '{"a": 1}\n{"b": 1}', /^line 2 has no "a", which line 1 has$/],
    ["D006", '{"a": 1}\n{"a": 1, "__proto__": 2}', /^line 2 has the field "__proto__", which earlier lines lack$/],
    ["D006", '{"a": 1}\n\n{"a": "x"}', /^line 3: expected a number for "a", found the text "x"$/],
    ["D006", '{"a": "x"}\n{"a": null}', /^line 2: expected a text for "a", found null$/],
    ["D006", '{"a": [1, 2]}\n{"a": [1]}', /^line 2: expected numbers of shape \[2\] for "a", found a list of 1$/],
    ["D006", '{"a": {"b": 1}}', /^line 1: expected a number for "a", found an object$/],
    ["D006", '{"a": 1e300}', /beyond 2\^53/],
  ];
  for (const [code, text, message] of wrong)
    assert.match(failsWith(code, () => tableOf(text, "d.jsonl")).message, message, text);
  failsWith("D013", () => openDataset(fileOf(Uint8Array.of(0x7b, 0xff), "d.jsonl")));
});

test("a folder's files are splits that share classes", () => {
  const data = openDataset(
    folderOf({
      "train.csv": "x,label\n1,b\n2,c\n",
      "test.csv": "x,label\n1,a\n",
      "README.md": "words",
      "tokenizer.json": "{}",
    }),
  );
  assert.is(data.table, null);
  assert.equal([...data.splits.keys()], ["test", "train"]);
  assert.equal(data.splits.get("test")!.columns.get("label")!.classes, ["a", "b", "c"]);
  assert.equal(numbers(data.splits.get("train")!.columns.get("label")), [1, 2]);
  assert.is(data.files.length, 2);
});

test("what is no dataset", () => {
  assert.match(failsWith("D001", () => openDataset(fileOf("[]", "d.json"))).help ?? "", /jq -c/);
  assert.match(failsWith("D001", () => openDataset(fileOf("", "d.parquet"))).help ?? "", /to_json/);
  failsWith("D001", () => openDataset(folderOf({ "config.json": "{}" })));
  failsWith("D001", () => openDataset(folderOf({ "train.csv": "a\n1\n", "train.jsonl": '{"a": 1}' })));
  const near = failsWith("F001", () => openDataset(`${folderOf({ "train.csv": "" })}/trian.csv`));
  assert.match(near.help ?? "", "train.csv");
  failsWith("F001", () => openDataset("no/such/folder"));
});

test.run();

/** Every check of the safetensors header, one test a check, on files made byte by byte. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PeftError } from "../../../grammar/index.js";
import { readHeader } from "../../../runtime/checkpoint/index.js";
import { failsWith, fileOf, freshFolder, join, latin1, safetensorsBytes } from "./files.js";

const entry = (shape: string, begin: number | string, end: number | string, dtype = "F32") =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;
const header = (text: string, data: number | Uint8Array = 0) => readHeader(fileOf(safetensorsBytes(text, data)));
const refused = (code: string, text: string, data = 0) => failsWith(code, () => header(text, data));

test("a file with metadata, empty and rank-0 tensors is read as it lies", () => {
  const text = `{"__metadata__":{"format":"pt","note":""},"b":${entry("[2,3]", 4, 28)},"a":${entry("[]", 0, 4)},"none":${entry("[0,7]", 28, 28)},"h":${entry("[3]", 28, 34, "BF16")}}  `;
  const read = header(text, 34);
  assert.is(read.headerBytes, text.length);
  assert.is(read.fileBytes, 8 + text.length + 34);
  assert.equal(
    read.metadata,
    new Map([
      ["format", "pt"],
      ["note", ""],
    ]),
  );
  assert.equal(
    read.tensors.map(({ name, dtype, shape, offset, bytes }) => [name, dtype, shape, offset - 8 - text.length, bytes]),
    [
      ["a", "F32", [], 0, 4],
      ["b", "F32", [2, 3], 4, 24],
      ["none", "F32", [0, 7], 28, 0],
      ["h", "BF16", [3], 28, 6],
    ],
  );
  assert.is(read.tensors[0].file, read.path);
});

test("a file without tensors is fine", () => assert.equal(header("{}").tensors, []));

test("F010: shorter than the length", () => {
  failsWith("F010", () => readHeader(fileOf(new Uint8Array(0))));
  failsWith("F010", () => readHeader(fileOf(new Uint8Array(7))));
});

test("F011: the header goes past the end", () => {
  failsWith("F011", () => readHeader(fileOf(safetensorsBytes("{}").slice(0, 9))));
  failsWith("F011", () => readHeader(fileOf(new Uint8Array(64).fill(0xff))));
});

test("F012: a header above 100 MB is not read", () => {
  const file = fileOf(new Uint8Array(8));
  fs.truncateSync(file, 100_000_009 + 8);
  const fd = fs.openSync(file, "r+");
  fs.writeSync(fd, new Uint8Array(new BigUint64Array([100_000_001n]).buffer), 0, 8, 0);
  fs.closeSync(fd);
  failsWith("F012", () => readHeader(file));
});

test("F013: not UTF-8", () => {
  failsWith("F013", () => readHeader(fileOf(safetensorsBytes(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d])))));
});

test("F014: not a JSON object, trailing garbage, depth, byte order mark", () => {
  for (const text of [
    "",
    " {}",
    "[]",
    "{",
    '{"a":}',
    "{}x",
    "{}\n",
    "{} \t",
    "{}\0",
    '{"a":1,}',
    "\ufeff{}",
    '{"\\ud800":1}',
    '{"a\u0001":1}',
    "{'a':1}",
    '{"a":01}',
    '{"a":NaN}',
  ])
    refused("F014", text);
  const deep = refused("F014", `{"a":${"[".repeat(100_000)}`);
  assert.match(deep.message, "nested");
  assert.match(refused("F014", '{"é":nul}').message, "at byte 14", "counted in bytes from the start of the file");
});

test("F015: a key twice, at every level, also when one is written with escapes", () => {
  const w = entry("[1]", 0, 4);
  assert.match(refused("F015", `{"w":${w},"w":${w}}`, 4).message, '"w"');
  refused("F015", `{"w":${w},"\\u0077":${w}}`, 4);
  refused("F015", '{"w":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4);
  refused("F015", '{"__metadata__":{"a":"1","a":"2"}}');
  refused("F015", `{"__proto__":${w},"__proto__":${w}}`, 4);
});

test("F016: entries that are not entries", () => {
  refused("F016", '{"w":[]}');
  refused("F016", '{"w":{"dtype":"F32","shape":[1]}}', 4);
  refused("F016", '{"w":{"dtype":7,"shape":[1],"data_offsets":[0,4]}}', 4);
  assert.match(refused("F016", '{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}', 4).message, '"x"');
});

test("F017: unknown dtypes, also those that an object has by birth", () => {
  for (const dtype of ["F4", "f32", "", "constructor", "__proto__"])
    refused("F017", `{"w":${entry("[1]", 0, 4, dtype)}}`, 4);
});

test("F018: negative, fractional, huge and other shapes", () => {
  for (const shape of [
    "[-1]",
    "[-0]",
    "[1.5]",
    "[2.0]",
    "[1e1]",
    '["1"]',
    "[[1]]",
    "{}",
    "3",
    "[null]",
    "[9007199254740993]",
  ])
    refused("F018", `{"w":${entry(shape, 0, 4)}}`, 4);
  refused("F018", `{"w":${entry("[4294967296,4294967296]", 0, 4)}}`, 4);
  refused("F018", `{"w":${entry("[9007199254740991]", 0, 4)}}`, 4);
  refused("F018", `{"w":${entry("[0,9007199254740991,9007199254740991]", 0, 0)}}`, 0);
});

test("F019: ranges that are none", () => {
  for (const [begin, end] of [
    [4, 0],
    [-4, 0],
    ["0.0", 4],
    [0, "4,4"],
    [0, "9007199254740993"],
  ])
    refused("F019", `{"w":${entry("[1]", begin, end)}}`, 4);
});

test("F020: the range does not fit dtype and shape", () => {
  refused("F020", `{"w":${entry("[2]", 0, 4)}}`, 4);
  refused("F020", `{"w":${entry("[2]", 0, 8, "BF16")}}`, 8);
});

test("F021: overlaps", () => {
  refused("F021", `{"a":${entry("[2]", 0, 8)},"b":${entry("[2]", 4, 12)}}`, 12);
  refused("F021", `{"a":${entry("[2]", 0, 8)},"b":${entry("[2]", 0, 8)}}`, 8);
});

test("F022: holes, at the start and between", () => {
  refused("F022", `{"a":${entry("[1]", 4, 8)}}`, 8);
  refused("F022", `{"a":${entry("[1]", 0, 4)},"b":${entry("[1]", 8, 12)}}`, 12);
});

test("F023 and F024: bytes after the data, bytes missing", () => {
  refused("F023", `{"a":${entry("[1]", 0, 4)}}`, 5);
  refused("F023", "{}", 1);
  assert.match(refused("F024", `{"a":${entry("[2]", 0, 8)}}`, 5).message, "3 are missing");
});

test("F025: metadata that is not text", () => {
  for (const metadata of ["1", "[]", "null", '{"a":1}', '{"a":{"b":"c"}}'])
    refused("F025", `{"__metadata__":${metadata}}`);
});

test("names of any kind are only names", () => {
  const names = ["__proto__", "constructor", "toString", "", "a\nb\u001b[31m", "𝄞", "x".repeat(5000), "1", "0"];
  const text = `{${names.map((name, i) => `${JSON.stringify(name)}:${entry("[1]", 4 * i, 4 * i + 4)}`).join(",")}}`;
  assert.equal(
    header(text, 4 * names.length).tensors.map(({ name }) => name),
    names,
  );
  const problem = refused("F017", `{${JSON.stringify("a\nb\u001b[31m\u202e\u0085")}:${entry("[1]", 0, 4, "?")}}`, 4);
  assert.match(problem.message, '"a\\nb\\u001b[31m\\u202e\\u0085"');
  assert.ok(refused("F017", `{"${"x".repeat(5000)}":${entry("[1]", 0, 4, "?")}}`, 4).message.length < 500);
});

test("a header of 640 bytes starts like a pickle and is read all the same", () => {
  const text = "{}".padEnd(640);
  assert.is(safetensorsBytes(text)[0], 0x80);
  assert.is(safetensorsBytes(text)[1], 0x02);
  assert.equal(header(text).tensors, []);
});

test("F030 to F034: other formats under a .safetensors name", () => {
  const start = (text: string) => join(latin1(text), new Uint8Array(64).fill(0xff));
  const zip = failsWith("F030", () => readHeader(fileOf(start("PK\x03\x04"))));
  assert.match(zip.help!, "weights_only=True");
  failsWith("F030", () => readHeader(fileOf(start("\x80\x02ctorch"))));
  failsWith("F031", () => readHeader(fileOf(start("GGUF\x03"))));
  failsWith("F033", () => readHeader(fileOf(start("\x89HDF\r\n"))));
  failsWith("F033", () => readHeader(fileOf("<!DOCTYPE html><html><body>Not found</body></html>")));
  failsWith("F034", () => readHeader(fileOf("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")));
});

test("F001, F003, F004: what is no file does not hang or crash", () => {
  const folder = freshFolder();
  failsWith("F003", () => readHeader(folder));
  failsWith("F004", () => readHeader(""));
  failsWith("F004", () => readHeader("a\0b"));
  failsWith("F004", () => readHeader("x".repeat(5000)));
  failsWith("F001", () => readHeader(path.join(fileOf("x"), "inside")));
  const loop = path.join(folder, "loop");
  fs.symlinkSync("loop", loop);
  failsWith("F003", () => readHeader(loop));
  const dangling = path.join(folder, "dangling");
  fs.symlinkSync("nowhere", dangling);
  assert.match(failsWith("F001", () => readHeader(dangling)).message, "link");
  const pipe = path.join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  failsWith("F003", () => readHeader(pipe));
});

test("F001 names what is nearly there", () => {
  const file = fileOf(safetensorsBytes("{}"));
  assert.match(failsWith("F001", () => readHeader(file.replace("model.", "modle."))).help!, "model.safetensors");
});

test("only the header is read", () => {
  const file = fileOf(safetensorsBytes(`{"w":${entry(`[${2 ** 34}]`, 0, 2 ** 36)}}`));
  fs.truncateSync(file, fs.statSync(file).size + 2 ** 36);
  assert.is(readHeader(file).tensors[0].bytes, 2 ** 36);
});

test("a damaged file is read or refused, never anything else", () => {
  const text = `{"__metadata__":{"format":"pt"},"a":${entry("[2,2]", 0, 16)},"b":${entry("[3]", 16, 22, "F16")}}    `;
  const good = safetensorsBytes(text, 22);
  const file = fileOf(good);
  let state = 12345;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const snippets = [
    "{",
    "}",
    '"',
    ",",
    "-",
    "0",
    "9",
    "e",
    "[",
    "]",
    "\\",
    "\\u",
    "__proto__",
    "null",
    "99999999999999999999",
  ];
  let read = 0;
  for (let round = 0; round < 1000; round++) {
    let bytes: Uint8Array = good.slice();
    for (let edit = random(3); edit >= 0; edit--) {
      const place = random(bytes.length + 1);
      const kind = random(4);
      if (kind === 0 && place < bytes.length) bytes[place] = random(256);
      else if (kind === 1) bytes = bytes.subarray(0, place);
      else if (kind === 2) bytes = join(bytes.subarray(0, place), bytes.subarray(place + 1 + random(8)));
      else bytes = join(bytes.subarray(0, place), latin1(snippets[random(snippets.length)]), bytes.subarray(place));
      // Half of the time the length stays right, so that the damage reaches the checks of the entries.
      if (random(2) === 0 && bytes.length >= 8 + 22)
        new DataView(bytes.buffer, bytes.byteOffset).setBigUint64(0, BigInt(bytes.length - 8 - 22), true);
    }
    fs.writeFileSync(file, bytes);
    try {
      const { tensors, headerBytes, fileBytes } = readHeader(file);
      assert.is(
        tensors.reduce((sum, tensor) => sum + tensor.bytes, 8 + headerBytes),
        fileBytes,
      );
      read++;
    } catch (error) {
      if (!(error instanceof PeftError)) throw error;
    }
  }
  assert.ok(read > 10 && read < 800, `${read} of 1000 could be read`);
});

test.run();

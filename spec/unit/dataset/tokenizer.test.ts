/** Tokenizers against the ids that the tokenizers library (Rust) gives: spec/golden/tokenizers/reference.json. */
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { checkVocabulary, openTokenizer } from "../../../runtime/dataset/index.js";
import { failsWith, fileOf, freshFolder } from "./files.js";

interface Reference {
  readonly size: number;
  readonly rows: readonly { text: string; ids: number[]; plain: number[]; decoded: string }[];
  readonly pair: { readonly ids: number[]; readonly types: number[] };
}

const folder = "spec/golden/tokenizers";
const reference = JSON.parse(fs.readFileSync(`${folder}/reference.json`, "utf8")).tokenizers as Record<
  string,
  Reference
>;

for (const [name, expected] of Object.entries(reference)) {
  test(`${name} gives the reference ids`, () => {
    const tokenizer = openTokenizer(path.join(folder, name));
    assert.is(tokenizer.size, expected.size);
    for (const { text, ids, plain } of expected.rows) {
      assert.equal(tokenizer.encode(text).ids, ids, JSON.stringify(text));
      assert.equal(tokenizer.encode(text, { special: false }).ids, plain, JSON.stringify(text));
    }
    const pair = tokenizer.encode("to be", { pair: "or not" });
    assert.equal(pair.ids, expected.pair.ids);
    assert.equal(pair.types, expected.pair.types);
  });
}

test("byte-level ids decode to the text", () => {
  const tokenizer = openTokenizer(path.join(folder, "byte-bpe", "tokenizer.json"));
  for (const { text } of reference["byte-bpe"].rows)
    assert.is(tokenizer.decode(tokenizer.encode(text, { special: false }).ids), text);
});

test("padding and unknown tokens", () => {
  const of = (name: string) => {
    const { padId, unknownId, files } = openTokenizer(path.join(folder, name));
    return [padId, unknownId, files.length];
  };
  assert.equal(of("gpt2-char"), [null, null, 2]);
  assert.equal(of("bert-char"), [0, 1, 2]);
  assert.equal(of("unigram"), [0, 2, 2]);
  assert.equal(of("byte-bpe"), [0, null, 2]);
});

test("vanishing characters", () => {
  assert.equal(openTokenizer(`${folder}/gpt2-char`).vanishing("é to be é!€"), ["é", "€"]);
  assert.equal(openTokenizer(`${folder}/byte-bpe`).vanishing("é"), []);
});

test("a text that is too long for one piece", () => {
  const found = failsWith("D018", () =>
    openTokenizer(`${folder}/unigram`).encode("to be or not to be\n".repeat(16_000)),
  );
  assert.match(found.message, "304000 characters");
});

test("a vocabulary larger than the model's", () => {
  const tokenizer = openTokenizer(`${folder}/bert-char`);
  checkVocabulary(tokenizer, 70);
  checkVocabulary(tokenizer, 128);
  const found = failsWith("D010", () => checkVocabulary(tokenizer, 65));
  assert.match(found.message, "up to 69, but the model has 65");
});

test("files that are no tokenizer", () => {
  const wrong: readonly [string, string, RegExp][] = [
    ["D012", "{", /not valid JSON/],
    ["D012", "[]", /expected a JSON object/],
    ["D012", "{}", /has no model/],
    ["D012", '{"model": {"type": "__proto__"}}', /found "__proto__"/],
    ["D012", '{"model": {"type": "WordLevel", "vocab": {}}}', /BPE, WordPiece, Unigram, found "WordLevel"/],
    [
      "D012",
      '{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}, "pre_tokenizer": {"type": "Odd"}}',
      /cannot be used/,
    ],
    ["D012", '{"model": {"type": "BPE"}}', /cannot be used/],
  ];
  for (const [code, text, message] of wrong) {
    const found = failsWith(code, () => openTokenizer(fileOf(text, "tokenizer.json")));
    assert.match(found.message, message, text);
  }
  failsWith("D013", () => openTokenizer(fileOf(Uint8Array.of(0xff, 0xfe), "tokenizer.json")));
  failsWith("F001", () => openTokenizer(freshFolder()));
  failsWith("F001", () => openTokenizer(path.join(freshFolder(), "tokenizer.json")));
});

test("hostile tokens keep their meaning", () => {
  const vocab = '{"__proto__": 0, "a": 1, "constructor": 2}';
  const text = `{"model": {"type": "WordPiece", "unk_token": "a", "vocab": ${vocab}}, "pre_tokenizer": {"type": "WhitespaceSplit"}}`;
  const tokenizer = openTokenizer(fileOf(text, "tokenizer.json"));
  assert.is(tokenizer.size, 3);
  assert.equal(tokenizer.encode("__proto__ constructor toString").ids, [0, 2, 1]);
});

test.run();

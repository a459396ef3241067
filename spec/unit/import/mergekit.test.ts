/**
 * What `peftc import` makes of mergekit's keys, as text: precedence, filters and numbers of blocks in slices, mistakes with
 * their codes. Every text here was run beside mergekit 0.1.5 with equal results; golden.test.ts runs the golden cases.
 */
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PeftError, parse } from "../../../grammar/index.js";
import { importMergekit, methodTable } from "../../../runtime/import/index.js";

const models = resolve("spec/golden/mergekit/models");

function imported(yaml: string, folder = models, truncate = false) {
  return importMergekit({ file: resolve(models, "merge.yml"), text: yaml, folder, truncate });
}

/** The lines of the recipe's body. */
function bodyOf(yaml: string): string[] {
  const { text } = imported(yaml);
  const inside = text.slice(text.indexOf("{\n", text.indexOf("recipe ")) + 2, text.lastIndexOf("}"));
  return inside
    .split("\n")
    .filter((l) => l.trim() !== "" && !/ load\(/.test(l))
    .map((l) => l.slice(2));
}

function codesOf(yaml: string): string[] {
  try {
    imported(yaml);
    return [];
  } catch (error) {
    if (error instanceof PeftError)
      return error.diagnostics.map(
        (d) => `${d.code}${d.help?.startsWith("did you mean") ? ` ${d.help.slice(13, -1)}` : ""}`,
      );
    throw error;
  }
}

test("source before slice before file; a list whose filters do not fit goes on to the next", () => {
  const body = bodyOf(`
merge_method: linear
models:
  - {model: a, parameters: {weight: [{filter: mlp, value: 0.9}]}}
  - {model: b}
parameters: {weight: [{filter: layers.1., value: 0.3}, {value: 0.6}]}
`);
  assert.equal(body.slice(0, 6), [
    "let merged = linear([a, b],",
    "  weights = [",
    '    by name { "*mlp*" => 0.9, "*layers.1.*" => 0.3, else 0.6 },',
    '    by name { "*layers.1.*" => 0.3, else 0.6 },',
    "  ],",
    ")",
  ]);
});

test("filters of a model see its own block numbers, those of the method the output's", () => {
  const body = bodyOf(`
merge_method: slerp
base_model: a
slices:
  - sources: [{model: a, layer_range: [0, 2]}, {model: b, layer_range: [1, 3]}]
  - sources: [{model: a, layer_range: [0, 3]}, {model: b, layer_range: [0, 3]}]
parameters: {t: [{filter: layers.3., value: 0.9}, {value: 0.5}]}
`);
  assert.equal(body.slice(0, 3), [
    "let part_1 = slerp(layers(a, 0..2), layers(b, 1..3), t = 0.5)",
    'let part_2 = slerp(a, b, t = by name { "*layers.1.*" => 0.9, else 0.5 })',
    "let merged = part_1 ++ part_2",
  ]);
  const scaled = bodyOf(`
merge_method: passthrough
slices: [{sources: [{model: a, layer_range: [1, 3], parameters: {scale: [{filter: layers.2.mlp, value: 0.5}, {value: 1.0}]}}]}]
`);
  assert.is(
    scaled[0],
    'let merged = passthrough(layers(a, 1..3), scale = by name { "*layers.1.mlp*" => 0.5, else 1.0 })',
  );
});

test("a list over the depth gives tensors after the blocks its first value; switches change in steps", () => {
  const t = (value: string) =>
    bodyOf(`{merge_method: slerp, base_model: a, models: [{model: a}, {model: b}], parameters: {t: ${value}}}`)[0];
  assert.is(t("[0, 0.5, 1]"), "let merged = slerp(a, b, t = by place { after => 0, else by depth { 0 .. 0.5 .. 1 } })");
  assert.is(t("[0.2, 0.9, 0.2]"), "let merged = slerp(a, b, t = by depth { 0.2 .. 0.9 .. 0.2 })");
  assert.is(t("[0.4]"), "let merged = slerp(a, b, t = 0.4)");
  assert.is(t("6e-3"), "let merged = slerp(a, b, t = 6e-3)");
  const [steps] = bodyOf(
    `{merge_method: linear, models: [{model: a}, {model: b}], parameters: {weight: 1, normalize: [true, false]}}`,
  );
  assert.match(steps, "normalize = by layer { 0..2 => true, 2 => false, else true }");
});

test("without the models the filters are shifted by their digits", () => {
  const body = bodyOf(`
merge_method: passthrough
slices: [{sources: [{model: org/x, layer_range: [10, 20], parameters: {scale: [{filter: layers.12., value: 0.5}, {filter: ".1", value: 2}]}}]}]
dtype: bfloat16
`);
  assert.equal(body.slice(0, 5), [
    "let merged = passthrough(layers(x, 10..20), scale = by name {",
    '  "*layers.2.*"               => 0.5,',
    '  "*.{0,1,2,3,4,5,6,7,8,9}.*" => 2,',
    "  else 1",
    "})",
  ]);
  assert.is(body[5], 'save(merged, to = "merged", dtype = bf16)');
});

test("paths are written anew for the place of the recipe; one model is loaded once, however it is written", () => {
  const { text } = imported(
    "{merge_method: linear, models: [{model: a}, {model: ../models/a}, {model: /x/7B-v0.1}, {model: linear}], parameters: {weight: 1}}",
    resolve(models, "../out"),
  );
  const loads = text
    .split("\n")
    .filter((l) => / load\(/.test(l))
    .map((l) => l.trim());
  assert.equal(loads, [
    'let a = load("../models/a")',
    'let model_7b_v0_1 = load("/x/7B-v0.1")',
    'let linear_model = load("../models/linear")',
  ]);
});

test("what has no effect stands at the top, with its line", () => {
  const { text, notes } = imported(
    "merge_method: sce\nbase_model: base\nmodels: [{model: a}, {model: b}]\nparameters:\n  int8_mask: true\n  density: 0.5\nchat_template: auto\n",
  );
  assert.equal(
    notes.map((n) => n.code),
    ["M010", "M010", "M010"],
  );
  const comments = text.split("\n").filter((l) => l.startsWith("//   line"));
  assert.equal(
    comments.map((c) => c.slice(5, 30)),
    ["line 5: `int8_mask` is le", "line 6: `density` is left", "line 7: `chat_template` is"].map((c) => c.slice(0, 25)),
  );
});

const wrong: readonly [what: string, yaml: string, codes: readonly string[]][] = [
  ["no YAML", "a: [b", ["M001"]],
  ["a key twice", "merge_method: linear\nmerge_method: slerp", ["M001"]],
  [
    "aliases without end",
    `a: &a [${"x,".repeat(50)}x]\nb: &b [${"*a,".repeat(50)}*a]\nc: &c [${"*b,".repeat(50)}*b]\nd: [*c,*c]`,
    ["M001"],
  ],
  [
    "a misspelt key",
    "{merge_metod: linear, merge_method: linear, models: [{model: a}], parameters: {weight: 1}}",
    ["M002 merge_method"],
  ],
  [
    "a misspelt parameter",
    "{merge_method: linear, models: [{model: a, parameters: {wieght: 1}}], parameters: {weight: 1}}",
    ["M002 weight"],
  ],
  [
    "a parameter at the top",
    "{merge_method: linear, normalize: true, models: [{model: a}], parameters: {weight: 1}}",
    ["M002"],
  ],
  ["__proto__", "{__proto__: 1, merge_method: linear, models: [{model: a}], parameters: {weight: 1}}", ["M002"]],
  ["an unknown method", "{merge_method: teis, models: [{model: a}]}", ["M003 ties"]],
  ["models and slices", "{merge_method: linear, models: [{model: a}], slices: []}", ["M003"]],
  ["a value that is no number", "{merge_method: linear, models: [{model: a}], parameters: {weight: .nan}}", ["M003"]],
  [
    "a range that is none",
    "{merge_method: passthrough, slices: [{sources: [{model: a, layer_range: [2, 1]}]}]}",
    ["M003"],
  ],
  [
    "sources of other lengths",
    "{merge_method: linear, slices: [{sources: [{model: a, layer_range: [0, 1]}, {model: b, layer_range: [0, 2]}]}], parameters: {weight: 1}}",
    ["M003"],
  ],
  [
    "a weight that is missing",
    "{merge_method: linear, models: [{model: a, parameters: {weight: 1}}, {model: b}]}",
    ["M004"],
  ],
  ["no base", "{merge_method: ties, models: [{model: a}], parameters: {weight: 1}}", ["M005"]],
  [
    "three models for two",
    "{merge_method: slerp, base_model: base, models: [{model: a}, {model: b}], parameters: {t: 0.5}}",
    ["M005"],
  ],
  [
    "merges that need each other",
    "{name: x, merge_method: passthrough, models: [{model: y}]}\n---\n{name: y, merge_method: passthrough, models: [{model: x}]}",
    ["M005"],
  ],
  [
    "a filter in no name",
    "{merge_method: linear, models: [{model: a}], parameters: {weight: [{filter: self_atn, value: 1}, {value: 2}]}}",
    ["M006 self_attn"],
  ],
  [
    "a filter with a star",
    "{merge_method: linear, models: [{model: a}], parameters: {weight: [{filter: '*.mlp', value: 1}, {value: 2}]}}",
    ["M006"],
  ],
  [
    "a list for the embedding",
    "{merge_method: linear, models: [{model: a}], parameters: {weight: [{filter: embed_tokens, value: [0, 1]}, {value: 2}]}}",
    ["M007"],
  ],
  [
    "blocks outside the model",
    "{merge_method: passthrough, slices: [{sources: [{model: a, layer_range: [0, 40]}]}]}",
    ["M008"],
  ],
];

for (const [what, yaml, codes] of wrong) {
  test(`refused: ${what}`, () => {
    assert.equal(codesOf(yaml), codes);
  });
}

test("cutting vocabularies needs the models", () => {
  const yaml = "{merge_method: linear, models: [{model: a}, {model: nowhere}], parameters: {weight: 1}}";
  assert.throws(
    () => imported(yaml, models, true),
    (e: Error) => e instanceof PeftError && e.diagnostics[0].code === "M009",
  );
});

test("the table's arguments and defaults are those of the definitions", () => {
  const texts = readdirSync("compiler/std/merge").map((f) => readFileSync(`compiler/std/merge/${f}`, "utf8"));
  const found = new Map(
    texts.flatMap((text) => parse("std", text).file.definitions.map((d) => [d.name.text, { d, text }] as const)),
  );
  for (const [name, method] of methodTable("mergekit").methods) {
    const definition = found.get(method.use);
    assert.ok(definition !== undefined && definition.d.kind === "merge", name);
    const params = new Map(
      definition.d.params.map((p) => [
        p.pattern.kind === "name" ? p.pattern.name.text : "",
        p.default === null ? null : definition.text.slice(p.default.span.start, p.default.span.end),
      ]),
    );
    for (const parameter of [...Object.values(method.each ?? {}), ...Object.values(method.all ?? {})]) {
      const written = params.get(parameter.as);
      assert.ok(written !== undefined, `${name} has no ${parameter.as}`);
      const standard = parameter.std ?? parameter.default;
      if (standard === undefined) continue;
      const own = (written ?? "").replace(/^\[(.*) for _ in \w+\]$/, "$1");
      const value = parameter.values?.[String(standard)] ?? String(standard);
      const number = own.endsWith("%") ? Number(own.slice(0, -1)) / 100 : Number(own);
      assert.ok(own === value || number === Number(value), `${name}: ${parameter.as} is ${own}, not ${value}`);
    }
  }
});

test.run();

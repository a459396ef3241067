/** Every WGSL module must pass Tint (Dawn's null backend): single operations, all dtypes, all roots, and random kernels. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Kernel, Lane } from "../../../compiler/kernels/index.js";
import { emitWgsl, guaranteedStorageBuffers } from "../../../compiler/targets/wgsl/index.js";
import { type NullCompiler, openNullCompiler } from "../../../runtime/device/gpu/index.js";
import { allDtypes, builder, randomKernel } from "./kernels.js";

let compiler: NullCompiler;
test.before(async () => {
  compiler = await openNullCompiler();
});
test.after(() => compiler.close());

async function accepted(kernel: Kernel, name: string): Promise<void> {
  const { code, entries } = emitWgsl(kernel);
  const messages = await compiler.compile(
    code,
    entries.map((e) => e.name),
  );
  assert.equal(
    messages.map((m) => `${m.line}: ${m.text}\n${code.split("\n")[m.line - 1] ?? ""}`),
    [],
    name,
  );
}

test("the null backend refuses wrong code", async () => {
  const messages = await compiler.compile("fn f() -> u32 { return 1.5; }");
  assert.is(messages[0].type, "error");
  assert.is(messages[0].line, 1);
});

test("every dtype loads into every lane and stores from every lane", async () => {
  for (const from of allDtypes) {
    for (const lane of ["f32", "i32", "u32", "bool"] as const) {
      for (const flat of [true, false]) {
        const b = builder();
        const x = b.input(from, { kind: "full" }, lane);
        if (lane === "f32") b.store(b.add("quantize", [x], "f32", { dtype: from }), from);
        b.store(x, from);
        if (!flat) b.store(b.input(from, { kind: "row" }, lane), from, "row");
        await accepted(b.kernel(flat), `${from} ${lane}`);
      }
    }
  }
});

test("every elementwise operation compiles at every level", async () => {
  const table: readonly (readonly [string, readonly Lane[], Lane])[] = [
    ...["add", "sub", "mul", "min", "max", "div", "pow", "atan2", "mod"].map(
      (op) => [op, ["f32", "f32"], "f32"] as const,
    ),
    ...["add", "sub", "mul", "min", "max", "idiv", "imod"].map((op) => [op, ["i32", "i32"], "i32"] as const),
    ...["neg", "abs", "sqrt", "floor", "ceil", "trunc", "round", "exp", "log", "sin", "cos", "acos", "tanh"].map(
      (op) => [op, ["f32"], "f32"] as const,
    ),
    ...["neg", "abs"].map((op) => [op, ["i32"], "i32"] as const),
    ...["eq", "ne", "lt", "le", "gt", "ge"].flatMap((op) =>
      (["f32", "i32", "u32"] as const).map((l) => [op, [l, l], "bool"] as const),
    ),
    ...["and", "or"].map((op) => [op, ["bool", "bool"], "bool"] as const),
    ["not", ["bool"], "bool"],
    ...(["f32", "i32", "u32", "bool"] as const).map((l) => ["where", ["bool", l, l], l] as const),
    ...(["i32", "bool", "f32"] as const).map((l) => ["to_f32", [l], "f32"] as const),
    ...(["f32", "bool", "i32"] as const).map((l) => ["to_i32", [l], "i32"] as const),
    ["is_finite", ["f32"], "bool"],
    ["order_key", ["f32"], "u32"],
    ["unit", ["u32"], "f32"],
  ];
  for (const [op, lanes, result] of table) {
    const b = builder();
    for (const level of ["uniform", "row", "element"] as const) {
      const args = lanes.map((lane) => {
        const source =
          level === "uniform"
            ? b.add("literal", [], "f32", { value: 1.5 })
            : b.input("F32", { kind: level === "row" ? "row" : "full" });
        if (lane === "f32") return source;
        if (lane === "u32") return b.add("order_key", [source], "u32");
        return lane === "i32" ? b.add("to_i32", [source], "i32") : b.add("is_finite", [source], "bool");
      });
      const value = b.add(op, args, result);
      b.store(result === "u32" ? b.add("unit", [value], "f32") : value, "F32");
    }
    await accepted(b.kernel(false), `${op} ${lanes}`);
  }
});

test("literals that WGSL cannot write", async () => {
  const values = [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    -0,
    1e-45,
    1e300,
    3.4028234663852886e38,
    1e20,
    0.1,
    2 ** -126,
  ];
  const b = builder();
  const sum = values
    .map((value) => b.add("literal", [], "f32", { value }))
    .reduce((x, y) => b.add("add", [x, y], "f32"));
  const whole = [0, -1, 2147483647, -2147483648]
    .map((value) => b.add("literal", [], "i32", { value }))
    .reduce((x, y) => b.add("add", [x, y], "i32"));
  const words = [0, 0xffffffff]
    .map((value) => b.add("literal", [], "u32", { value }))
    .reduce((x, y) => b.add("eq", [x, y], "bool"));
  b.store(sum, "F32");
  b.store(whole, "I32");
  b.store(words, "BOOL");
  await accepted(b.kernel(true), "literals");
});

test("strided inputs, counters and random bits", async () => {
  const b = builder();
  const x = b.input("BF16", { kind: "strided", dims: [3, 4, 5], strides: [-20, 0, 4], offset: 57 });
  b.store(
    b.add(
      "add",
      [x, b.add("to_f32", [b.add("iota", [], "i32", { axis: 1, dims: [3, 4, 5] }, "element")], "f32")],
      "f32",
    ),
    "BF16",
  );
  const key = b.add("integer", [], "u32", { index: b.integers++ });
  for (const word of ["packed", 0, 1]) {
    b.store(b.add("unit", [b.add("random_bits", [key, key], "u32", { word }, "element")], "f32"), "F16");
  }
  await accepted(b.kernel(true), "flat");
  await accepted(b.kernel(false), "rows");
});

test("a kernel with more inputs than bindings shares one binding among the last", async () => {
  const b = builder();
  const sum = Array.from({ length: 20 }, () => b.input("BF16")).reduce((x, y) => b.add("add", [x, y], "f32"));
  b.store(sum, "BF16");
  b.roots.push({ kind: "accumulate", fn: "sum", value: sum });
  const kernel = b.kernel(true);
  await accepted(kernel, "20 inputs");
  const { layout } = emitWgsl(kernel);
  const bound = new Set([...layout.inputBindings, ...layout.outputBindings, layout.results]);
  assert.is(bound.size, guaranteedStorageBuffers);
  assert.is(layout.inputBindings.filter((x) => x === layout.inputBindings[19]).length, 15);
  assert.throws(() => emitWgsl(kernel, 2), /20 inputs and 2 outputs/);
});

test("no text depends on sizes or values, and none needs an extension", () => {
  for (let seed = 0; seed < 20; seed++) {
    const { code } = emitWgsl(randomKernel(seed, seed % 2 === 1));
    assert.is(code, emitWgsl(randomKernel(seed, seed % 2 === 1)).code);
    assert.not.match(code, /\benable\b|\bf16>|subgroup/);
  }
});

test("a program that breaks the contract is refused", () => {
  const flat = builder();
  flat.store(flat.add("row_max", [flat.input("F32")], "f32"), "F32");
  assert.throws(() => emitWgsl(flat.kernel(true)), /no row reductions/);
  const unknown = builder();
  unknown.store(unknown.add("__proto__", [unknown.input("F32")], "f32"), "F32");
  assert.throws(() => emitWgsl(unknown.kernel(true)), /no operation __proto__/);
});

test("random kernels compile", async () => {
  for (let seed = 0; seed < 60; seed++) {
    await accepted(randomKernel(seed, false), `flat ${seed}`);
    await accepted(randomKernel(seed, true), `rows ${seed}`);
  }
});

test.run();

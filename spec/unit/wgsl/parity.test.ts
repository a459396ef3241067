/**
 * WGSL against the interpreter on a real Dawn device: the software driver of spec/gpu, in a process of its own (Vulkan
 * looks for drivers when a process starts). PEFTC_TEST_GPU=1 runs the same tests on the machine's own adapter.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { bytesOf, encodeElements, type StorageDtype, storageDtypes } from "../../../compiler/ir/index.js";
import { elementBits, type Kernel } from "../../../compiler/kernels/index.js";
import { toleranceOf } from "../../../compiler/targets/wgsl/index.js";
import { type GpuRunner, openGpu } from "../../../runtime/device/gpu/index.js";
import { onGpu, testOnSoftwareGpu } from "../../gpu/child.js";
import { interpret, outputDifference, randomInputs, runOn, type Sizes, totalsDifference } from "./compare.js";
import { allDtypes, builder, keyOf, randomKernel, randomSource } from "./kernels.js";

if (onGpu) childTests();
else testOnSoftwareGpu("WGSL agrees with the interpreter on the software driver", import.meta.url);
test.run();

function childTests(): void {
  let runner: GpuRunner;
  test.before(async () => {
    runner = await openGpu();
  });
  test.after(() => runner.close());

  const flat = (count: number, block = count): Sizes => ({ first: 0, count, cols: 1, block });
  const bytesOfFloats = (values: ArrayLike<number>, dtype: StorageDtype = "F32") => {
    const bytes = new Uint8Array(values.length * bytesOf(dtype));
    encodeElements(bytes, dtype, 0, values);
    return bytes;
  };

  async function same(
    kernel: Kernel,
    sizes: Sizes,
    inputs: readonly Uint8Array[],
    params: number[] = [],
    integers: number[] = [],
    cut?: number,
  ): Promise<void> {
    const want = interpret(kernel, sizes, inputs, params, integers);
    const got = await runOn(runner, kernel, sizes, inputs, params, integers, cut);
    const difference = outputDifference(kernel, got, want) ?? totalsDifference(got, want);
    assert.is(difference, null, `${JSON.stringify(sizes)} ${kernel.text.slice(0, 2000)}`);
  }

  test("every code of the narrow formats decodes to its number", async () => {
    for (const dtype of allDtypes.filter((d) => bytesOf(d) <= 2)) {
      const b = builder();
      b.store(b.input(dtype, { kind: "full" }, "f32"), "F32");
      b.store(b.input(dtype, { kind: "full" }, storageDtypes[dtype].float ? "f32" : "i32"), dtype);
      const codes =
        bytesOf(dtype) === 1
          ? Uint8Array.from({ length: 256 }, (_, i) => i)
          : new Uint8Array(Uint16Array.from({ length: 65536 }, (_, i) => i).buffer);
      // bf16 codes below the normal range decode to subnormal f32 numbers, which devices may flush.
      const normal = dtype === "BF16" ? codes.map((c, i) => (i % 2 === 1 && (c & 0x7f) === 0 ? c | 1 : c)) : codes;
      await same(b.kernel(true), flat(normal.length / bytesOf(dtype)), [normal, normal]);
    }
  });

  test("stores round to nearest even, overflow and keep NaN in every format", async () => {
    const random = randomSource(3);
    const values = [
      0,
      -0,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      65504,
      65519,
      65520,
      448,
      464,
      465,
      480,
      57344,
      61440,
      1e38,
      -1e38,
    ];
    for (let i = 0; i < 4000; i++) {
      values.push((random() - 0.5) * 2 ** (random() * 80 - 30));
      values.push((Math.floor(random() * 1024) + 0.5) * 2 ** Math.floor(random() * 40 - 26));
    }
    for (let e = 0; e < 64; e++) values.push(2 ** e, -(2 ** e), 2 ** e + 2 ** (e - 12), 1.5 * 2 ** (e - 40));
    const x = bytesOfFloats(values);
    for (const dtype of allDtypes) {
      const b = builder();
      const value = b.input("F32");
      b.store(value, dtype);
      b.store(b.add("quantize", [value], "f32", { dtype }), "F32");
      await same(b.kernel(true), flat(values.length), [x]);
    }
  });

  test("F64 loads round once", async () => {
    const random = randomSource(4);
    const values = [
      0,
      -0,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      3.4028235677973366e38,
      3.4028235677973362e38,
      1 + 2 ** -24,
      1 + 3 * 2 ** -24,
      1 + 2 ** -24 + 2 ** -50,
    ];
    for (let i = 0; i < 4000; i++) values.push((random() - 0.5) * 2 ** (random() * 240 - 120));
    const b = builder();
    b.store(b.input("F64"), "F32");
    await same(b.kernel(true), flat(values.length), [bytesOfFloats(values, "F64")]);
  });

  test("functions keep their tolerance", async () => {
    const random = randomSource(5);
    const n = 8192;
    const spread = (low: number, high: number) =>
      Float32Array.from({ length: n }, (_, i) =>
        i % 2 === 0 ? low + (high - low) * random() : (low + (high - low) * random()) * 2 ** (-20 * random()),
      );
    const powers = Float32Array.from({ length: n }, () => 2 ** (random() * 8 - 4));
    const cases: readonly (readonly [string, (a: number, b: number) => number, Float32Array, Float32Array?])[] = [
      ["exp", Math.exp, spread(-87, 88.7)],
      [
        "log",
        Math.log,
        Float32Array.from({ length: n }, (_, i) =>
          i % 2 ? 2 ** (random() * 200 - 100) : 1 + (random() - 0.5) * 2 ** (-20 * random()),
        ),
      ],
      ["sin", Math.sin, spread(-1e4, 1e4)],
      ["cos", Math.cos, spread(-1e4, 1e4)],
      ["acos", Math.acos, spread(-1, 1)],
      ["tanh", Math.tanh, spread(-12, 12)],
      ["sqrt", Math.sqrt, spread(0, 1e6)],
      ["div", (a, b) => a / b, spread(-1e3, 1e3), spread(-1e3, 1e3)],
      [
        "mod",
        (a, b) => a - b * Math.floor(a / b),
        Float32Array.from({ length: n }, () => Math.floor(random() * 1000) - 500),
        Float32Array.from({ length: n }, () => Math.floor(random() * 20) + 1),
      ],
      ["pow", (a, b) => a ** b, powers, spread(-5, 5)],
      ["atan2", Math.atan2, spread(-1e3, 1e3), spread(-1e3, 1e3)],
    ];
    for (const [op, exact, ...args] of cases) {
      const b = builder();
      b.store(
        b.add(
          op,
          args.map(() => b.input("F32")),
          "f32",
        ),
        "F32",
      );
      const { outputs } = await runOn(
        runner,
        b.kernel(true),
        flat(n),
        args.map((a) => new Uint8Array(a!.buffer)),
        [],
        [],
      );
      const got = new Float32Array(outputs[0].slice().buffer);
      const { ulp, abs } = toleranceOf(op);
      got.forEach((g, i) => {
        const want = exact(args[0][i], args[1]?.[i] ?? 0);
        if (Math.abs(want) < 2 ** -126) return;
        const allowed = Math.max(abs, ulp * 2 ** (Math.floor(Math.log2(Math.abs(want))) - 23));
        assert.ok(
          Math.abs(g - want) <= allowed,
          `${op}(${args.map((a) => a![i])}) = ${g}, expected ${want} within ${allowed}`,
        );
      });
    }
  });

  test("functions at infinities, zeros and NaN", async () => {
    const special = [0, -0, 1, -1, 2, -2, 0.5, 3, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];
    const pairs = special.flatMap((a) => special.map((b) => [a, b] as const));
    const [x, y] = [pairs.map((p) => p[0]), pairs.map((p) => p[1])].map((v) => Float32Array.from(v));
    const wanted: Record<string, (a: number, b: number) => number> = {
      exp: Math.exp,
      log: Math.log,
      acos: Math.acos,
      tanh: Math.tanh,
      pow: (a, b) => a ** b,
      min: Math.min,
      max: Math.max,
    };
    for (const [op, exact] of Object.entries(wanted)) {
      const b = builder();
      const p = b.input("F32");
      const q = b.input("F32");
      b.store(b.add(op, exact.length === 2 ? [p, q] : [p], "f32"), "F32");
      const { outputs } = await runOn(
        runner,
        b.kernel(true),
        flat(x.length),
        [x, y].map((v) => new Uint8Array(v.buffer)),
        [],
        [],
      );
      new Float32Array(outputs[0].slice().buffer).forEach((g, i) => {
        const want = exact(x[i], y[i]);
        const right = Number.isNaN(want)
          ? Number.isNaN(g)
          : Number.isFinite(want)
            ? Math.abs(g - want) <= 1e-6 * Math.abs(want)
            : g === want;
        assert.ok(right, `${op}(${x[i]}, ${y[i]}) = ${g} instead of ${want}`);
      });
    }
  });

  test("random kernels, bit for bit", async () => {
    const flats = [flat(1, 4), flat(7, 4), flat(1023, 256), flat(40000, 36000)];
    const rows = [
      [5, 3, 2],
      [3, 1025, 1],
      [130, 33, 32],
      [2, 20000, 1],
    ].map(([count, cols, block]) => ({ first: 0, count, cols, block }));
    for (let seed = 0; seed < 8; seed++) {
      const kernel = randomKernel(seed, seed % 2 === 1);
      const sizes = (seed % 2 === 1 ? rows : flats)[(seed >> 1) % 4];
      const integers = [seed * 7919, 12345, ...new Array<number>(kernel.integers - 4).fill(9), 0x80000000, 20];
      await same(kernel, sizes, randomInputs(kernel, sizes, seed + 1), [1.25], integers);
    }
  });

  test("calls that begin anywhere", async () => {
    const kernel = randomKernel(21, true);
    const sizes = { first: 0, count: 11, cols: 7, block: 3 };
    const integers = [5, 12345, ...new Array<number>(kernel.integers - 4).fill(9), 0x80000000, 20];
    await same(kernel, sizes, randomInputs(kernel, sizes, 4), [1.25], integers, 1);
  });

  test("results do not depend on how a tensor is cut, and sums are accurate", async () => {
    const shapes: readonly (readonly [boolean, Sizes])[] = [
      [true, flat(100_003, 4096)],
      [true, flat(70_000, 65536)],
      [false, { first: 0, count: 37, cols: 33, block: 4 }],
      [false, { first: 0, count: 5, cols: 40_000, block: 1 }],
    ];
    for (const [isFlat, sizes] of shapes) {
      const b = builder();
      const x = b.input("BF16");
      const scaled = isFlat ? x : b.add("sub", [x, b.add("row_sum", [x], "f32")], "f32");
      b.store(scaled, "BF16");
      b.roots.push({ kind: "accumulate", fn: "sum", value: b.add("mul", [x, x], "f32") });
      b.roots.push({ kind: "argmax", value: x });
      if (!isFlat) b.roots.push({ kind: "column", fn: "sum", value: scaled });
      const kernel = b.kernel(isFlat);
      const random = randomSource(9);
      const input = bytesOfFloats(
        Array.from({ length: sizes.count * sizes.cols }, () => random() - 0.5),
        "BF16",
      );
      const whole = await runOn(runner, kernel, sizes, [input], [], []);
      for (const cut of [1, 3]) {
        const parts = await runOn(runner, kernel, sizes, [input], [], [], cut);
        assert.equal(parts.outputs, whole.outputs);
        assert.equal(parts.totals, whole.totals);
      }
      if (sizes.cols > 1000) continue;
      const want = interpret(kernel, sizes, [input], [], []);
      for (const [i, w] of want.totals.scalars[0].entries()) {
        assert.ok(Math.abs(whole.totals.scalars[0][i] - w) <= 1e-6 * w, `${whole.totals.scalars[0][i]} and ${w}`);
      }
      assert.equal(whole.totals.scalars[1], want.totals.scalars[1]);
      for (const [n, column] of want.totals.columns.entries()) {
        for (const [i, w] of column.entries()) assert.ok(Math.abs(whole.totals.columns[n][i] - w) < 1e-4);
      }
    }
  });

  test("whole sums are exact beyond 2^24", async () => {
    const b = builder();
    b.roots.push({ kind: "accumulate", fn: "sum", value: b.input("I32") });
    const random = randomSource(6);
    const values = Array.from({ length: 50_001 }, () => Math.floor((random() - 0.4) * 2 ** 31));
    await same(b.kernel(true), flat(values.length, 20_000), [bytesOfFloats(values, "I32")]);
  });

  test("random bits are Philox's, also where a call begins late", async () => {
    const b = builder();
    const [k0, k1] = [0, 1].map((index) => b.add("integer", [], "u32", { index }));
    b.integers = 2;
    for (const word of ["packed", 0, 1] as const)
      b.store(b.add("unit", [b.add("random_bits", [k0, k1], "u32", { word }, "element")], "f32"), "F32");
    const sizes = { first: 3_000_000_000, count: 1001, cols: 1, block: 1000 };
    const key = [0xdeadbeef, 0x01234567] as const;
    const { outputs } = await runOn(runner, b.kernel(true), sizes, [], [], [...key]);
    for (const [n, word] of (["packed", 0, 1] as const).entries()) {
      const got = new Float32Array(outputs[n].slice().buffer);
      for (const i of [0, 1, 5, 14, 15, 16, 17, 500, 1000]) {
        assert.is(got[i], (elementBits(sizes.first + i, word, key) >>> 8) * 2 ** -24, `${word} ${i}`);
      }
    }
  });

  test("a histogram over all positive numbers", async () => {
    const b = builder();
    const key = keyOf(b, b.add("abs", [b.input("BF16")], "f32"));
    b.integers = 2;
    b.roots.push({ kind: "histogram", key, lo: 0, shift: 1, bins: 32768 });
    const kernel = b.kernel(true);
    await same(kernel, flat(30_000, 8192), randomInputs(kernel, flat(30_000), 2), [], [0x80000000, 16], 1);
  });

  test("strided inputs, and more inputs than bindings", async () => {
    const b = builder();
    const views = [
      { kind: "strided", dims: [6, 5, 4], strides: [1, 6, 30], offset: 0 },
      { kind: "strided", dims: [6, 5, 4], strides: [-20, 0, 4], offset: 103 },
      { kind: "strided", dims: [24, 5], strides: [0, 1], offset: 2 },
    ] as const;
    const many = Array.from({ length: 17 }, (_, i) => b.input(i % 2 === 0 ? "BF16" : "I8"));
    for (const [i, access] of views.entries()) b.store(b.input(i === 1 ? "F16" : "F32", access), "F32");
    b.store(
      many
        .map((v) => (b.instrs[v].lane === "i32" ? b.add("to_f32", [v], "f32") : v))
        .reduce((x, y) => b.add("max", [x, y], "f32")),
      "F32",
    );
    const kernel = b.kernel(true);
    await same(kernel, flat(120), randomInputs(kernel, flat(120), 8));
  });

  test("outputs may lie in the memory of an input or of another output", async () => {
    const b = builder();
    const x = b.input("F32");
    b.store(b.add("add", [x, x], "f32"), "F32");
    b.store(b.add("neg", [x], "f32"), "F32");
    const memory = runner.allocate(300 * 4);
    new Float32Array(memory.host.buffer, 0, 300).set(Array.from({ length: 300 }, (_, i) => i));
    runner.upload(memory);
    const at = (offset: number) => ({ memory, offset: offset * 4 });
    await runner.run({
      kernel: b.kernel(true),
      ...flat(99),
      inputs: [at(0)],
      outputs: [at(0), at(101)],
      params: [],
      integers: [],
    });
    await runner.download(memory);
    const got = new Float32Array(memory.host.buffer, 0, 300);
    runner.reset();
    assert.equal(
      [...got.slice(0, 99)],
      Array.from({ length: 99 }, (_, i) => 2 * i),
    );
    assert.equal([...got.slice(99, 101)], [99, 100]);
    assert.equal(
      [...got.slice(102, 200)],
      Array.from({ length: 98 }, (_, i) => -(i + 1)),
    );
    assert.equal(
      [...got.slice(200)],
      Array.from({ length: 100 }, (_, i) => 200 + i),
    );
  });
}

/** The life of a GPU runner on Dawn's null backend, which runs nothing: limits, failures, and an end without hanging. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PeftError } from "../../../grammar/index.js";
import { gpuCatalogue, listAdapters, openGpu } from "../../../runtime/device/gpu/index.js";
import { builder } from "./kernels.js";

const nullBackend = { flags: ["backend=null"] };
const me = fileURLToPath(import.meta.url);

/** The diagnostic that a piece of work throws or rejects with. */
async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof PeftError) {
      const [{ code, help }] = error.diagnostics;
      assert.ok(Object.hasOwn(gpuCatalogue, code), code);
      return help === null ? `${code} without help` : code;
    }
    return String(error);
  }
  return "nothing";
}

function sumKernel() {
  const b = builder();
  b.roots.push({ kind: "accumulate", fn: "sum", value: b.input("F32") });
  return b.kernel(true);
}

if (process.argv.includes("--open-run-close")) {
  const runner = await openGpu(nullBackend);
  const memory = runner.allocate(4096);
  memory.host.fill(1);
  runner.upload(memory);
  await runner.run({
    kernel: sumKernel(),
    first: 0,
    count: 1024,
    cols: 1,
    block: 256,
    inputs: [{ memory, offset: 0 }],
    outputs: [],
    params: [],
    integers: [],
  });
  await runner.download(memory);
  runner.close();
  globalThis.gc?.();
  console.log("closed");
} else {
  test("a missing package and a missing adapter say what to do", async () => {
    assert.is(
      await codeOf(() => openGpu({ load: () => Promise.reject(new Error("Cannot find package 'webgpu'")) })),
      "V001",
    );
    const none = { create: () => ({ requestAdapter: async () => null }) as unknown as GPU };
    assert.is(await codeOf(() => openGpu({ load: async () => none })), "V002");
    assert.is(await codeOf(() => openGpu({ ...nullBackend, adapter: "no such card" })), "V002");
  });

  test("adapters are listed by name", async () => {
    const listing = {
      create: () =>
        ({
          requestAdapter: () =>
            Promise.reject(
              new Error("no suitable backends found\nAvailable adapters:\n * backend: 'vulkan', name: 'A card'\n"),
            ),
        }) as unknown as GPU,
    };
    assert.equal(await listAdapters({ load: async () => listing }), [{ backend: "vulkan", name: "A card" }]);
  });

  test("memory above the limits is refused, below them it is given", async () => {
    const runner = await openGpu(nullBackend);
    assert.is(await codeOf(() => runner.allocate(runner.maxBytes + 1)), "V003");
    const memory = runner.allocate(1001);
    assert.is(memory.host.length, 1001);
    assert.is(memory.bytes, 1001);
    runner.reset();
    assert.match(await codeOf(() => runner.upload(memory)), /given back/);
    runner.close();
  });

  test("a call with regions outside their memory, or too many elements, is refused", async () => {
    const runner = await openGpu(nullBackend);
    const memory = runner.allocate(64);
    const call = {
      kernel: sumKernel(),
      first: 0,
      count: 16,
      cols: 1,
      block: 16,
      outputs: [],
      params: [],
      integers: [],
    };
    const run = (offset: number, count: number, first = 0) =>
      codeOf(() => runner.run({ ...call, first, count, inputs: [{ memory, offset }] }));
    assert.match(await run(4, 16), /needs bytes 4 to 68 of memory of 64 bytes/);
    assert.match(await run(2, 4), /multiple of 4/);
    assert.is(await run(0, 16, 2 ** 32), "V003");
    const empty = await runner.run({ ...call, count: 0, inputs: [{ memory, offset: 0 }] });
    assert.equal([...empty.scalars[0]], []);
    runner.close();
  });

  test("closing rejects work that is pending and everything after", async () => {
    const runner = await openGpu(nullBackend);
    const memory = runner.allocate(1 << 20);
    const pending = codeOf(() => runner.download(memory));
    runner.close();
    assert.match(await pending, /^V004/);
    assert.match(await codeOf(() => runner.allocate(4)), /^V004/);
  });

  test("a process that closes its runner ends by itself", () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--expose-gc", me, "--open-run-close"], {
      encoding: "utf8",
      timeout: 60_000,
    });
    assert.is(stdout.trim(), "closed", stderr);
    assert.is(status, 0, stderr);
  });

  test.run();
}

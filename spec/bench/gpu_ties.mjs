/**
 * The last kernel of TIES over three experts (trim by known thresholds, vote, mean, round to bf16, and what the receipt
 * counts) on the GPU, beside a kernel that copies: `npm run build && node spec/bench/gpu_ties.mjs`. In: a GPU that Dawn
 * finds. Out: bytes moved per second of both, medians of one run, and their ratio. Nothing is read from disk or the host.
 */

import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { create } from "webgpu";
import { bundled } from "./bundle.mjs";
import { header } from "./model.mjs";

const shape = [2048, 4096];
const elements = shape[0] * shape[1];
const rounds = 15;
const median = (xs) => [...xs].sort((a, b) => a - b)[Math.floor(xs.length / 2)];

const { compileFile, prepare, openGpu } = await bundled(
  "gpu_ties",
  `export { compileFile } from "./runtime/compile/index.js";
export { prepare } from "./runtime/execute/index.js";
export { openGpu } from "./runtime/device/index.js";`,
);

/** The apply step of TIES on one matrix of four models. */
function applyStep() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "peftc-gpu-"));
  try {
    for (const name of ["base", "a", "b", "c"]) {
      const { head, dataBytes } = header({ "layers.0.mlp.up_proj.weight": shape });
      const fd = fs.openSync(path.join(folder, `${name}.safetensors`), "w");
      fs.writeSync(fd, head);
      fs.ftruncateSync(fd, head.length + dataBytes);
      fs.closeSync(fd);
    }
    const file = path.join(folder, "recipe.peft");
    const experts = ["a", "b", "c"].map((name) => `load("${name}.safetensors")`).join(", ");
    fs.writeFileSync(
      file,
      `use std.merge.{ties}\nrecipe r { save(ties(load("base.safetensors"), [${experts}]), to = "out") }`,
    );
    const compiled = compileFile({ file, set: [] });
    const run = { device: "cpu", memory: null, threads: null, out: null, force: true, chunk: null };
    const { program } = prepare(compiled, run);
    const task = program.tasks.find(({ output }) => output !== null);
    const step = task.steps.at(-1);
    return { step, task, kernel: program.kernels[step.kernel] };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Seconds of each round of the fused kernel, and the bytes that it reads and writes. */
async function fused() {
  const { step, kernel } = applyStep();
  const gpu = await openGpu();
  const width = { BF16: 2, F32: 4, BOOL: 1, U8: 1, I32: 4 };
  const region = (buffer) => ({ memory: gpu.allocate(width[buffer.dtype] * elements), offset: 0 });
  const call = {
    kernel,
    first: 0,
    count: step.domain.units,
    cols: step.domain.cols,
    block: step.domain.block,
    inputs: kernel.inputs.map(region),
    outputs: kernel.outputs.map(region),
    params: Array.from({ length: kernel.params }, () => 0.5),
    integers: Array.from({ length: kernel.integers }, () => 0x90000000),
  };
  const bytes = [...kernel.inputs, ...kernel.outputs].reduce((sum, { dtype }) => sum + width[dtype] * elements, 0);
  const seconds = [];
  for (let i = 0; i < rounds; i++) {
    const started = performance.now();
    await gpu.run(call);
    seconds.push((performance.now() - started) / 1000);
  }
  const { name } = gpu.info;
  gpu.close();
  return { name, bytes, seconds: median(seconds.slice(1)) };
}

/** Seconds of a kernel that copies as many bytes as the fused one moves, four words at a time. */
async function copied(bytes) {
  const gpu = create([]);
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const device = await adapter.requestDevice({ requiredLimits: { maxBufferSize, maxStorageBufferBindingSize } });
  const half = Math.floor(bytes / 2 / 4096) * 4096;
  const buffers = [0, 1].map(() => device.createBuffer({ size: half, usage: 0x80 | 0x4 | 0x8 }));
  const code = `@group(0) @binding(0) var<storage, read> source: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> copied: array<vec4u>;
@compute @workgroup_size(256) fn main(@builtin(global_invocation_id) at: vec3u, @builtin(num_workgroups) n: vec3u) {
  let i = at.y * n.x * 256 + at.x;
  if (i < arrayLength(&source)) { copied[i] = source[i]; }
}`;
  const pipeline = device.createComputePipeline({
    layout: "auto",
    compute: { module: device.createShaderModule({ code }), entryPoint: "main" },
  });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  const groups = Math.ceil(half / 16 / 256);
  const seconds = [];
  for (let i = 0; i < rounds; i++) {
    const started = performance.now();
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(Math.min(groups, 65535), Math.ceil(groups / 65535));
    pass.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    seconds.push((performance.now() - started) / 1000);
  }
  device.destroy();
  return { bytes: 2 * half, seconds: median(seconds.slice(1)), gpu };
}

const ours = await fused();
const copy = await copied(ours.bytes);
const rate = ({ bytes, seconds }) => bytes / seconds / 1e9;
console.log(`${ours.name}: TIES of three, ${(ours.bytes / 1e6).toFixed(0)} MB moved`);
console.log(
  `fused ${rate(ours).toFixed(2)} GB/s, copy ${rate(copy).toFixed(2)} GB/s, ratio ${(rate(ours) / rate(copy)).toFixed(2)}`,
);

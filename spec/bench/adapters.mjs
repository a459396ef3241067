/**
 * Combining adapters without their base: `npm run build && node spec/bench/adapters.mjs`. In: PEFTC_BENCH_DIR (else the
 * system's folder for temporary files), where three LoRA adapters of rank 16 on all 224 maps of a 7 B Llama are written once:
 * bf16, 80 MB each. Out: seconds to read the three files and write one of their size with plain fs (the floor), and of
 * `peftc run` on their sum, recompressed to rank 16 and exact; the goal is three floors and two seconds.
 */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

const folder = path.join(process.env.PEFTC_BENCH_DIR ?? os.tmpdir(), "peftc-adapters");
const cli = path.resolve(process.env.PEFTC_BENCH_CLI ?? "dist/peftc.js");
const rank = 16;
const wide = 11008;
const maps = {
  "self_attn.q_proj": [4096, 4096],
  "self_attn.k_proj": [4096, 4096],
  "self_attn.v_proj": [4096, 4096],
  "self_attn.o_proj": [4096, 4096],
  "mlp.gate_proj": [wide, 4096],
  "mlp.up_proj": [wide, 4096],
  "mlp.down_proj": [4096, wide],
};

/** Writes one adapter; numbers are about normal, and repeat from run to run. */
function writeAdapter(to, first) {
  fs.mkdirSync(to, { recursive: true });
  const header = {};
  let bytes = 0;
  for (let layer = 0; layer < 32; layer++)
    for (const [name, [out, width]] of Object.entries(maps))
      for (const [part, shape] of Object.entries({ A: [rank, width], B: [out, rank] })) {
        const size = 2 * shape[0] * shape[1];
        const key = `base_model.model.model.layers.${layer}.${name}.lora_${part}.weight`;
        header[key] = { dtype: "BF16", shape, data_offsets: [bytes, bytes + size] };
        bytes += size;
      }
  const text = Buffer.from(JSON.stringify(header).padEnd(Math.ceil(JSON.stringify(header).length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const numbers = new Uint16Array(bytes / 2);
  const float = new Float32Array(1);
  const bits = new Uint32Array(float.buffer);
  let seed = first;
  const uniform = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32 - 0.5;
  };
  for (let i = 0; i < numbers.length; i++) {
    float[0] = 0.04 * (uniform() + uniform() + uniform());
    numbers[i] = bits[0] >>> 16;
  }
  fs.writeFileSync(
    path.join(to, "adapter_model.safetensors"),
    Buffer.concat([length, text, Buffer.from(numbers.buffer)]),
  );
  const config = {
    peft_type: "LORA",
    r: rank,
    lora_alpha: 32,
    target_modules: Object.keys(maps).map((m) => m.split(".")[1]),
  };
  fs.writeFileSync(path.join(to, "adapter_config.json"), JSON.stringify(config));
}

const names = ["a", "b", "c"];
names.forEach((name, i) => {
  if (!fs.existsSync(path.join(folder, name, "adapter_config.json"))) writeAdapter(path.join(folder, name), i + 1);
});
const recipe = (rankText) => `use std.merge.{combine}
recipe r {
  let all = [${names.map((n) => `load_adapter("${n}")`).join(", ")}]
  save(combine(all, weights = [0.5, 0.3, 0.2]${rankText}), to = "out", dtype = bf16)
}
`;
fs.writeFileSync(path.join(folder, "short.peft"), recipe(`, rank = ${rank}`));
fs.writeFileSync(path.join(folder, "exact.peft"), recipe(""));

function seconds(command, args) {
  const start = performance.now();
  const run = spawnSync(command, args, { cwd: folder, encoding: "utf8" });
  if (run.status !== 0) throw new Error(run.stderr || run.stdout);
  return { time: (performance.now() - start) / 1000, text: run.stdout + run.stderr };
}

const middle = (xs) => [...xs].sort((a, b) => a - b)[Math.floor(xs.length / 2)];
const floorScript = path.resolve("spec/bench/floor.mjs");
const files = names.map((n) => path.join(folder, n, "adapter_model.safetensors"));
const rounds = Number(process.argv[2] ?? 3);
const times = { floor: [], short: [], exact: [] };
for (let round = 0; round < rounds; round++) {
  times.floor.push(Number(seconds(process.execPath, [floorScript, ...files, path.join(folder, "floor")]).text));
  for (const kind of ["short", "exact"])
    times[kind].push(seconds(process.execPath, [cli, "run", `${kind}.peft`, "--device", "cpu", "--force"]).time);
}
const floor = middle(times.floor);
console.log(`floor ${floor.toFixed(2)} s, goal ${(3 * floor + 2).toFixed(2)} s`);
console.log(`to rank ${rank}: ${middle(times.short).toFixed(2)} s, exact: ${middle(times.exact).toFixed(2)} s`);
console.log(`load of the machine: ${os.loadavg()[0].toFixed(1)} on ${os.cpus().length} cores`);

/**
 * A training step of LoRA (rank 8 on q and v) on a Llama with hidden 512 and 8 layers, 4 x 128 tokens, f32:
 * `npm run build && node spec/bench/lora_step.mjs`. In: PEFTC_BENCH_PYTHON may name a Python with torch and peft. Out: the
 * mean step of peftc and the median step of torch on the CPU with the same threads, their ratio, and peak memory.
 */
import { spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { config, header, llamaShapes } from "./model.mjs";

const steps = 12;
const threads = Number(process.env.PEFTC_BENCH_THREADS ?? 2);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "peftc-lora-"));
const shape = { hidden: 512, mlp: 2048, layers: 8, kv: 512, vocabulary: 1024 };

function writeTensors(file, shapes, dtype, element) {
  const { head, dataBytes } = header(shapes, dtype, 4);
  const bytes = new ArrayBuffer(dataBytes);
  const numbers = dtype === "F32" ? new Float32Array(bytes) : new Int32Array(bytes);
  for (let i = 0; i < numbers.length; i++) numbers[i] = element(i);
  fs.writeFileSync(file, Buffer.concat([head, Buffer.from(bytes)]));
}

let state = 1;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32 - 0.5;
};
fs.mkdirSync(path.join(folder, "model"));
writeTensors(path.join(folder, "model", "model.safetensors"), llamaShapes(shape), "F32", () => 0.05 * random());
writeTensors(path.join(folder, "text.safetensors"), { input_ids: [64, 128] }, "I32", () =>
  Math.floor((random() + 0.5) * 1024),
);
fs.writeFileSync(
  path.join(folder, "model", "config.json"),
  JSON.stringify({
    ...config,
    hidden_size: 512,
    intermediate_size: 2048,
    num_hidden_layers: 8,
    num_attention_heads: 8,
    num_key_value_heads: 8,
    vocab_size: 1024,
    torch_dtype: "float32",
  }),
);
fs.writeFileSync(
  path.join(folder, "recipe.peft"),
  `use std.adapter.{lora}
use std.loss.{next_token}
use std.optim.{adamw}
use std.train.{train}
recipe r {
  let text = dataset("text.safetensors")
  let m = attach(load("model"), lora(rank = 8), to = "*.{q_proj,v_proj}")
  let fit = train(m, on = text, loss = next_token, steps = ${steps}, batch = 4, optimizer = adamw(lr = 1e-4))
  save(adapters(fit.model), to = "out")
}`,
);

/** Seconds between the steps, and peak bytes. */
function ours() {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [
      path.resolve("dist/peftc.js"),
      ...["run", path.join(folder, "recipe.peft"), "--force", "--no-hash", "--json", "--threads", String(threads)],
    ]);
    let [out, err] = ["", ""];
    child.stdout.on("data", (text) => {
      out += text;
    });
    child.stderr.on("data", (text) => {
      err += text;
    });
    child.on("exit", (code) => {
      if (code !== 0) reject(new Error(out + err));
      else resolve({ result: JSON.parse(out), log: err });
    });
  });
}

const torch = `
import json, sys, time, resource, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
torch.set_num_threads(${threads})
folder = sys.argv[1]
m = LlamaForCausalLM.from_pretrained(folder + "/model")
m = get_peft_model(m, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"]))
ids = load_file(folder + "/text.safetensors")["input_ids"].long()
opt = torch.optim.AdamW([p for p in m.parameters() if p.requires_grad], lr=1e-4)
times = []
for i in range(${steps}):
    start = time.perf_counter()
    batch = ids[(4 * i) % 64:(4 * i) % 64 + 4]
    loss = m(input_ids=batch, labels=batch).loss
    loss.backward(); opt.step(); opt.zero_grad()
    times.append(time.perf_counter() - start)
print(json.dumps({"step": sorted(times[2:])[len(times[2:]) // 2], "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
`;

try {
  const { result, log } = await ours();
  const { seconds, steps: done } = result.loops[0];
  const mine = seconds / done;
  console.log(`peftc ${(1000 * mine).toFixed(0)} ms a step, peak ${(result.peakMemory / 2 ** 20).toFixed(0)} MiB`);
  if (process.env.PEFTC_BENCH_VERBOSE) console.log(log, result.loops);
  const python = process.env.PEFTC_BENCH_PYTHON;
  if (python !== undefined) {
    const run = spawnSync(python, ["-c", torch, folder], { encoding: "utf8" });
    if (run.status !== 0) throw new Error(run.stderr);
    const { step, memory } = JSON.parse(run.stdout.trim().split("\n").at(-1));
    console.log(`torch + peft ${(1000 * step).toFixed(0)} ms a step, peak ${(memory / 2 ** 20).toFixed(0)} MiB`);
    console.log(`speed ${(step / mine).toFixed(2)} x torch, memory ${(result.peakMemory / memory).toFixed(2)} x`);
  }
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}

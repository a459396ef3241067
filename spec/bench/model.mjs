/**
 * Makes the models of the merge benchmarks: a Llama-shaped base in bf16 with weights of N(0, 0.02), and fine-tunes that
 * are the base plus N(0, 0.001). In: a folder. Out: `base`, `a`, `b`, `c` in it, each a folder with config and weights.
 * Normal numbers come from a table of 65536 quantiles, so that a billion of them take seconds.
 */
import * as fs from "node:fs";
import * as path from "node:path";

/** Shapes of a Llama; the default has 1.1 billion parameters. */
export function llamaShapes({ hidden = 2048, mlp = 8192, layers = 16, kv = 512, vocabulary = 32000 } = {}) {
  const shapes = {
    "lm_head.weight": [vocabulary, hidden],
    "model.embed_tokens.weight": [vocabulary, hidden],
    "model.norm.weight": [hidden],
  };
  for (let l = 0; l < layers; l++) {
    const at = `model.layers.${l}.`;
    shapes[`${at}input_layernorm.weight`] = [hidden];
    shapes[`${at}post_attention_layernorm.weight`] = [hidden];
    shapes[`${at}mlp.down_proj.weight`] = [hidden, mlp];
    shapes[`${at}mlp.gate_proj.weight`] = [mlp, hidden];
    shapes[`${at}mlp.up_proj.weight`] = [mlp, hidden];
    shapes[`${at}self_attn.q_proj.weight`] = [hidden, hidden];
    shapes[`${at}self_attn.k_proj.weight`] = [kv, hidden];
    shapes[`${at}self_attn.v_proj.weight`] = [kv, hidden];
    shapes[`${at}self_attn.o_proj.weight`] = [hidden, hidden];
  }
  return shapes;
}

export function header(shapes, dtype = "BF16", width = 2) {
  const entries = {};
  let at = 0;
  for (const name of Object.keys(shapes).sort()) {
    const bytes = shapes[name].reduce((a, b) => a * b, 1) * width;
    entries[name] = { dtype, shape: shapes[name], data_offsets: [at, at + bytes] };
    at += bytes;
  }
  const text = JSON.stringify(entries);
  const padded = text + " ".repeat((8 - (text.length % 8)) % 8);
  const head = Buffer.alloc(8 + padded.length);
  head.writeBigUInt64LE(BigInt(padded.length));
  head.write(padded, 8);
  return { head, dataBytes: at };
}

export const config = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  hidden_size: 2048,
  intermediate_size: 8192,
  num_hidden_layers: 16,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  vocab_size: 32000,
  torch_dtype: "bfloat16",
  tie_word_embeddings: false,
};

/** Standard normal quantiles at the middles of 65536 equal steps (Acklam's rational approximation). */
function quantiles() {
  const tail = [
    -7.784894002430293e-3, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783,
  ];
  const tailLow = [7.784695709041462e-3, 0.3224671290700398, 2.445134137142996, 3.754408661907416];
  const mid = [
    -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239,
  ];
  const midLow = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572];
  const poly = (c, x) => c.reduce((sum, k) => sum * x + k, 0);
  const lower = (p) => {
    const q = Math.sqrt(-2 * Math.log(p));
    return poly(tail, q) / (poly(tailLow, q) * q + 1);
  };
  return Float32Array.from({ length: 65536 }, (_, i) => {
    const p = (i + 0.5) / 65536;
    if (p < 0.02425) return lower(p);
    if (p > 1 - 0.02425) return -lower(1 - p);
    const q = p - 0.5;
    return (poly(mid, q * q) * q) / (poly(midLow, q * q) * q * q + 1);
  });
}

/** Writes the models; what is there already stays. */
export function makeModels(folder, names = ["base", "a", "b", "c"]) {
  const shapes = llamaShapes();
  const { head, dataBytes } = header(shapes);
  const table = quantiles();
  const paths = names.map((name) => path.join(folder, name, "model.safetensors"));
  if (paths.every((p) => fs.existsSync(p) && fs.statSync(p).size === head.length + dataBytes)) return;
  const files = names.map((name, i) => {
    fs.mkdirSync(path.join(folder, name), { recursive: true });
    fs.writeFileSync(path.join(folder, name, "config.json"), JSON.stringify(config));
    const fd = fs.openSync(paths[i], "w");
    fs.writeSync(fd, head);
    return fd;
  });
  const size = 1 << 20;
  const base = new Float32Array(size);
  const bits = new Uint32Array(base.buffer);
  const one = new Float32Array(size);
  const oneBits = new Uint32Array(one.buffer);
  const out = new Uint16Array(size);
  let state = 0x9e3779b9;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 0xffff;
  };
  const write = (fd, from, count) => {
    for (let i = 0; i < count; i++) out[i] = (from[i] + 0x7fff + ((from[i] >>> 16) & 1)) >>> 16;
    fs.writeSync(fd, out, 0, count * 2);
  };
  for (let left = dataBytes / 2; left > 0; left -= size) {
    const count = Math.min(size, left);
    for (let i = 0; i < count; i++) base[i] = 0.02 * table[next()];
    for (let i = 0; i < count; i++) bits[i] = ((bits[i] + 0x7fff + ((bits[i] >>> 16) & 1)) >>> 16) << 16;
    write(files[0], bits, count);
    for (const fd of files.slice(1)) {
      for (let i = 0; i < count; i++) one[i] = base[i] + 0.001 * table[next()];
      write(fd, oneBits, count);
    }
  }
  for (const fd of files) fs.closeSync(fd);
}

/**
 * Where adapters stand: tensors, maps, tables, convolutions, norms, attentions, blocks, parts and whole models of four
 * families, chosen by patterns, roles, lists and functions. Each begins as nothing, acts when its tensors move, and gets
 * a gradient for every one of them.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PeftError } from "../../../grammar/index.js";
import { run, runResident } from "./run.js";

const uses = `use std.adapter.{lora, ia3, prefix, parallel, sequential}
use std.loss.{mean_surprise}
use std.optim.{adam}
adapter shifted() on tensor(weight: Weight[*s]) as host {
  param shift: Tensor[1] = zeros()
  delta = shift
}
adapter scaled_map() on linear(weight: Weight[out, in]) as host {
  param by: Tensor[out] = ones()
  weight' = by[:, none] * weight
}
adapter louder() on norm(weight: Weight[d]) as host {
  param by: Tensor[d] = zeros()
  delta = by
}
adapter filters() on conv(weight: Weight[out, channels, h, w]) as host {
  param by: Tensor[out, channels, h, w] = zeros()
  delta = by
}
adapter table() on embedding(weight: Weight[rows, width]) as host {
  param by: Tensor[width] = zeros()
  update(ids: Tensor[*b, i32]) = by
}
adapter after_attention() on attention as host {
  param by: Tensor[host.hidden] = zeros()
  forward(x, ..) = host(x, ..) + by
}
adapter around_block() on block as host {
  param by: Tensor[1] = zeros()
  forward(x, ..) {
    let y = host(x, ..)
    return y + by * tanh(y)
  }
}
adapter first_norm() on norm1 as host {
  param by: Tensor[1] = zeros()
  update(x) = by * x
}
adapter whole() on model as host {
  param by: Tensor[1] = zeros()
  forward(x, ..) {
    let r = host(x, ..)
    return r with { logits: r.logits + by * tanh(r.logits) }
  }
}
`;

type Family = readonly [folder: string, input: string, labels: string];
const language = 'ref["input_ids"][..1, ..5]';
const families: Readonly<Record<string, Family>> = {
  llama: ["llama-char", language, "iota(5)"],
  gpt2: ["gpt2-char", language, "iota(5)"],
  bert: ["bert-char", language, "iota(5)"],
  vit: ["vit-digits", 'ref["grad.pixel_values"][..2]', "iota(2)"],
};

const places: readonly (readonly [adapter: string, to: string, families: readonly string[], hosts: number])[] = [
  ["shifted()", '"*.layernorm.weight"', ["vit"], 1],
  ["shifted()", '"*k_proj.weight"', ["llama"], 0],
  ["scaled_map()", "query", ["vit", "bert", "llama"], 0],
  ["lora(rank = 2)", "[query, value]", ["vit", "bert", "llama"], 0],
  ["lora(rank = 2)", '"*c_attn"', ["gpt2"], 0],
  ["lora(rank = 2)", "h => h.layer == 0 and h.role in [query, up]", ["llama"], 2],
  ["h => if h.role == query then lora(rank = 1 + h.layer) else none", "none", ["llama", "vit"], 0],
  ["louder()", "none", ["llama", "gpt2", "bert", "vit"], 0],
  ["filters()", "none", ["vit"], 1],
  ["table()", '"*word_embeddings"', ["bert"], 1],
  ["table()", '"*wpe"', ["gpt2"], 1],
  ["after_attention()", "none", ["llama", "gpt2", "bert", "vit"], 0],
  ["around_block()", "none", ["llama", "gpt2", "bert", "vit"], 0],
  ["first_norm()", "none", ["llama", "gpt2", "vit"], 0],
  ["whole()", "none", ["llama", "gpt2", "bert", "vit"], 1],
  ["prefix(tokens = 2)", "none", ["llama", "gpt2", "bert", "vit"], 0],
  ["parallel(narrow = 3)", "none", ["llama", "gpt2", "bert", "vit"], 0],
  ["sequential(narrow = 3)", "none", ["llama", "vit"], 0],
];

for (const [adapter, to, names, hosts] of places) {
  test(`${adapter} on ${to}`, async () => {
    for (const name of names) {
      const [folder, input, labels] = families[name];
      const begins = adapter.startsWith("prefix")
        ? ""
        : "report max(abs(a(x).logits - m(x).logits)) / max(abs(m(x).logits))";
      const { reported, saved } = await runResident(`${uses}
def moved(x: Tensor[*s]) -> Tensor[*s] = x + normal(shape(x), std = 0.1)
def logits_of(m: Model, x) = flat(m(x).logits)
def flat(y: Tensor[*b, c]) = reshape(y, [div(size(y), c), c])
recipe r {
  let ref = load("${folder}/reference.safetensors"), m = load("${folder}/base"), x = ${input}
  let a = attach(m, ${adapter}, to = ${to}), start = trainable(a)
  let b = a with moved(start)
  report max(abs(b(x).logits - m(x).logits)) / max(abs(m(x).logits))
  let o = adam(lr = 1e-2)
  let end = iterate(3, { p: start, s: o.init(start), losses: zeros([3]) }, (now, i) => {
    let (l, g) = value_and_grad(p => mean_surprise(logits_of(a with p, x), ${labels}), now.p)
    let (p, s) = o.step(now.p, g, now.s, i + 1)
    return { p, s, losses: where(iota(3) == i, l, now.losses) }
  })
  report end.losses[0] - end.losses[2]
  ${begins}
  save(start, to = "out")
}`);
      assert.ok(reported[0] > 1e-5, `${name}: it does not act: ${reported}`);
      assert.ok(reported[1] > 0, `${name}: the loss does not fall: ${reported}`);
      if (begins !== "") assert.ok(reported[2] < 1e-6, `${name}: it does not begin as nothing: ${reported}`);
      const tensors = [...saved.keys()];
      if (hosts > 0) {
        const paths = new Set(tensors.map((t) => t.replace(/\.[^.]+$/, "").replace(/\.lora_.$/, "")));
        assert.is(paths.size, hosts, `${name}: ${tensors}`);
      }
    }
  });
}

test("what fits nothing says what there is", () => {
  const told = (adapter: string, to: string): string => {
    try {
      run(`${uses}\nrecipe r { save(attach(load("vit-digits/base"), ${adapter}, to = ${to}), to = "out") }`);
    } catch (error) {
      if (error instanceof PeftError) return `${error.diagnostics[0].code} ${error.diagnostics[0].help}`;
      throw error;
    }
    throw new Error("no mistake was found");
  };
  assert.match(told("shifted()", '"vit.layernorm.wieght"'), /R036.*vit\.layernorm\.weight/);
  assert.match(told("lora(rank = 2)", '"*.qery"'), /R036.*query/);
  assert.match(told("filters()", '"*.query"'), /R036.*patch_embeddings\.projection/);
});

test("an adapter of a tensor is worked into it", () => {
  const { reported } = run(`${uses}
def moved(x: Tensor[*s]) -> Tensor[*s] = x + 0.05
recipe r {
  let ref = load("vit-digits/reference.safetensors"), m = load("vit-digits/base"), x = ref["grad.pixel_values"][..1]
  let a = attach(attach(m, shifted(), to = "*.layernorm.weight"), shifted(), to = "*.layernorm.weight")
  let b = a with moved(trainable(a))
  report max(abs(fuse(b)["vit.layernorm.weight"] - m["vit.layernorm.weight"] - 0.1))
  report max(abs(fuse(b)(x).logits - b(x).logits))
}`);
  assert.ok(reported[0] < 1e-6 && reported[1] < 1e-5, `${reported}`);
});

test.run();

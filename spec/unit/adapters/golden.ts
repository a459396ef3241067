/**
 * One of PEFT's cases from files alone: the adapter's folder and its base model, on the resident machine. Out: how far logits,
 * gradients, fused weights and the logits of the fused model are from PEFT's, each in parts of its largest value.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { readTensors, run, runResident, type Tensor } from "../arch/run.js";

export const goldenFolder = "spec/golden/peft";

export interface Difference {
  readonly logits: number;
  readonly gradients: number;
  /** Null where PEFT cannot fuse either. */
  readonly fused: number | null;
}

/** The names of the cases that are here, with the base of each. */
export function goldenCases(): readonly { readonly name: string; readonly base: string; readonly type: string }[] {
  return readdirSync(goldenFolder)
    .filter((name) => existsSync(`${goldenFolder}/${name}/adapter_config.json`))
    .sort()
    .map((name) => {
      const config = JSON.parse(readFileSync(`${goldenFolder}/${name}/adapter_config.json`, "utf8"));
      return { name, base: String(config.base_model_name_or_path).replace("../", ""), type: config.peft_type };
    });
}

const loss = `use std.loss.{mean_surprise}
def cost(logits, labels) {
  if len(shape(logits)) == 2 { return mean_surprise(logits, labels) }
  let more = shape(logits)[1] - shape(labels)[1]
  return if more == 0 then mean_surprise(logits[:, ..-1], labels[:, 1..]) else mean_surprise(logits[:, more - 1..-1], labels)
}
`;

/** Runs a case; throws what the compiler says when it cannot. */
export async function differences(name: string, base: string): Promise<Difference> {
  const folder = `../peft/${name}`;
  const expected = readTensors(`${folder}/expected.safetensors`);
  const file = readTensors(`${folder}/adapter_model.safetensors`);
  const more = [...expected.keys()]
    .filter((key) => key.startsWith("kw."))
    .map((key) => `, ${key.slice(3)} = ref["${key}"]`);
  const args = `(ids${more.join("")})`;
  const fuses = expected.has("merged_logits");
  const { reported, saved } = await runResident(`${loss}
recipe r {
  let ref = load("${folder}/expected.safetensors"), m = load("../peft/${base}"), ids = ref["input_ids"]
  let b = attach(m, load_adapter("${folder}"))
  report max(abs(b${args}.logits - ref["logits"])) / max(abs(ref["logits"]))
  let (l, g) = value_and_grad(p => cost((b with p)${args}.logits, ref["labels"]), trainable(b))
  report abs(l - ref["loss"][0])
  save(g, to = "gradients")
  ${fuses ? `let f = fuse(b)\nreport max(abs(f${args}.logits - ref["merged_logits"])) / max(abs(ref["logits"]))\nsave(f, to = "fused")` : ""}
}`);
  const away = (prefix: string) =>
    Math.max(
      ...[...expected]
        .filter(([key]) => key.startsWith(prefix) && (prefix !== "grad." || file.has(key.slice(prefix.length))))
        .map(([key, tensor]) => farthest(tensor, saved.get(key.slice(prefix.length)), leastOf(expected, key, tensor))),
    );
  return {
    logits: Math.max(reported[0], reported[1]),
    gradients: away("grad."),
    fused: fuses ? Math.max(reported[2], away("merged.")) : null,
  };
}

/** Of a tensor of one number: the largest number under the same last name. */
function leastOf(all: ReadonlyMap<string, Tensor>, key: string, tensor: Tensor): number {
  if (tensor.data.length > 1) return 0;
  const kind = key.slice(key.lastIndexOf("."));
  const kin = [...all].filter(([name, t]) => name.startsWith("grad.") && name.endsWith(kind) && t.data.length === 1);
  return Math.max(...kin.map(([, t]) => Math.abs(t.data[0])));
}

/** How far the logits are when entries of the adapter's config are others. */
export function logitsWith(name: string, base: string, config: Readonly<Record<string, unknown>>): number {
  const folder = `../peft/${name}`;
  return run(
    `recipe r {
  let ref = load("${folder}/expected.safetensors")
  let b = attach(load("../peft/${base}"), load_adapter("${folder}"))
  report max(abs(b(ref["input_ids"]).logits - ref["logits"])) / max(abs(ref["logits"]))
}`,
    {},
    { [folder]: config },
  ).reported[0];
}

/** How far the logits of the bare base model are from those of a case; infinity where their shapes differ. */
export function bareDistance(name: string, base: string): number {
  const bare = readTensors(`../peft/${base}/expected.safetensors`).get("logits");
  return farthest(readTensors(`../peft/${name}/expected.safetensors`).get("logits")!, bare);
}

/**
 * The largest difference in parts of the largest expected value, at least `least`: a gradient of one number is a sum whose terms
 * may cancel, and is measured by the largest of its kind.
 */
function farthest(expected: Tensor, found: Tensor | undefined, least = 0): number {
  if (found === undefined || found.data.length !== expected.data.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let largest = least;
  expected.data.forEach((x, i) => {
    difference = Math.max(
      difference,
      Number.isNaN(found.data[i]) ? Number.POSITIVE_INFINITY : Math.abs(x - found.data[i]),
    );
    largest = Math.max(largest, Math.abs(x));
  });
  return largest === 0 ? difference : difference / largest;
}

/**
 * Golden cases of methods (spec/golden/methods): their inputs as checkpoints, their calls as recipes, the comparison. In: the
 * name of a method's file and the text of its definition. Out: cases; an assertion error that says which number is off.
 */
import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { readTensors } from "../golden/checkpoints.js";
import { type Checkpoint, runInMemory, type Array as Tensor } from "../std/evaluate.js";

export interface Case {
  readonly name: string;
  readonly kind: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly tol: number;
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly outputs: ReadonlyMap<string, Tensor>;
  readonly naive: ReadonlyMap<string, Tensor>;
}

interface Written extends Omit<Case, "inputs" | "outputs" | "naive"> {
  readonly inputs: Readonly<Record<string, string>>;
  readonly outputs?: Readonly<Record<string, string>>;
  readonly naive?: Readonly<Record<string, string>>;
}

/** The cases of a method. */
export function casesOf(slug: string): readonly Case[] {
  const path = `spec/golden/methods/${slug}.safetensors`;
  const tensors = readTensors(path);
  const bytes = readFileSync(path);
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + Number(bytes.readBigUInt64LE(0))));
  const roles = (names: Readonly<Record<string, string>> = {}) =>
    new Map(Object.entries(names).map(([role, name]) => [role, tensors.get(name)!]));
  return (JSON.parse(header.__metadata__.cases) as Written[]).map((c) => ({
    ...c,
    inputs: roles(c.inputs),
    outputs: roles(c.outputs),
    naive: roles(c.naive),
  }));
}

/** A model of one tensor, `w`. */
export const alone = (tensor: Tensor): Checkpoint => ({ w: tensor });

/** Tensors whose role begins with `prefix`, as a model. */
export function below(tensors: ReadonlyMap<string, Tensor>, prefix: string): Checkpoint {
  return Object.fromEntries(
    [...tensors].flatMap(([role, t]) => (role.startsWith(prefix) ? [[role.slice(prefix.length), t]] : [])),
  );
}

/** The numbers of what `prefix` counts: 0 1 2 for A.0 A.1 A.2, in order. */
export function numbersOf(tensors: ReadonlyMap<string, Tensor>, prefix: string): number[] {
  const found = [...tensors.keys()].flatMap((role) =>
    role.startsWith(prefix) ? [Number.parseInt(role.slice(prefix.length), 10)] : [],
  );
  return [...new Set(found.filter((i) => !Number.isNaN(i)))].sort((a, b) => a - b);
}

/** A method as a recipe calls it. */
export function method(path: string) {
  const definition = readFileSync(path, "utf8");
  /** What `save(call)` writes, and the requirements that are broken; every model is loaded under its name. */
  const run = (call: string, models: Readonly<Record<string, Checkpoint>>, more = "") => {
    const loads = Object.keys(models).map((m) => `  let ${m} = load("${m}")`);
    const text = `${definition}\n${more}\nrecipe r {\n${loads.join("\n")}\n  save(${call}, to = "out")\n}\n`;
    const { saved, broken } = runInMemory(text, models);
    return { model: saved.get("out")!, broken };
  };
  return {
    run,
    model(call: string, models: Readonly<Record<string, Checkpoint>>, more = "") {
      const { model, broken } = run(call, models, more);
      assert.equal(broken, []);
      return model;
    },
    /** The value of an expression, or of a block, over tensors, each given by its name. */
    value(expression: string, tensors: Readonly<Record<string, Tensor>>): Tensor {
      const names = Object.keys(tensors);
      const params = names.map((name) => {
        const { shape, dtype } = tensors[name];
        const type =
          shape.length === 0 ? "Float" : `Tensor[${shape.map(() => "_").join(", ")}${dtype === "I32" ? ", i32" : ""}]`;
        return `${name}: ${type}`;
      });
      const body = expression.startsWith("{") ? expression : `= ${expression}`;
      const more = `def what(${params.join(", ")}) ${body}\n`;
      const models = Object.fromEntries(names.map((name) => [`${name}_`, alone(tensors[name])]));
      const call = `what(${names.map((name) => `${name}_`).join(", ")})`;
      const { model, broken } = run(call, models, more);
      assert.equal(broken, []);
      return model.get("w")!;
    },
  };
}

/** The largest difference of two tensors, as a share of the largest magnitude of the second. */
export function distance(found: Tensor, wanted: Tensor): number {
  assert.equal(found.shape, wanted.shape);
  const largest = Math.max(0, ...Array.from(wanted.data, Math.abs)) || 1;
  return Math.max(0, ...Array.from(wanted.data, (x, i) => Math.abs(found.data[i] - x) / largest));
}

export function near(found: Tensor | undefined, wanted: Tensor, tol: number, what: string): void {
  assert.ok(found !== undefined, `there is no ${what}`);
  const off = distance(found, wanted);
  assert.ok(off <= tol, `${what} is off by ${off} of the largest, at most ${tol}`);
}

/** The naive baseline gives something else by far: a test that it passes would prove nothing. */
export function farFrom(found: Tensor, naive: Tensor, tol: number): void {
  const off = distance(naive, found);
  assert.ok(off > 100 * tol, `the naive result differs by ${off} only`);
}

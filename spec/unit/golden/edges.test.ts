/**
 * Corner cases on single tensors: zeros, equal and opposite models, weights that cancel, densities 0, 1 and beyond.
 * Each call of std against what mergekit computed, or its refusal. spec/golden/mergekit/README.md.
 */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PeftError } from "../../../grammar/index.js";
import { type Checkpoint, runInMemory } from "../std/evaluate.js";
import { readTensors } from "./checkpoints.js";
import { compare, complaint } from "./compare.js";

interface Edge {
  readonly call: string;
  readonly within: number;
  readonly refused?: true;
}

const folder = "spec/golden/mergekit";
const edges = JSON.parse(readFileSync(`${folder}/edges.json`, "utf8")) as Readonly<Record<string, Edge>>;
const tensors = readTensors(`${folder}/edges.safetensors`);

for (const [name, edge] of Object.entries(edges)) {
  test(`${name}: ${edge.call}`, () => {
    const models: Record<string, Checkpoint> = {};
    for (const [key, tensor] of tensors) {
      if (key.startsWith(`${name}/in/`)) models[key.slice(name.length + 4).replace(".", "")] = { w: tensor };
    }
    const loads = Object.keys(models).map((m) => `let ${m} = load("${m}")`);
    const method = edge.call.slice(0, edge.call.indexOf("("));
    const text = `use std.merge.{${method}}\nrecipe r {\n${loads.join("\n")}\nsave(${edge.call}, to = "out")\n}\n`;
    if (edge.refused) {
      assert.ok(isRefused(text, models));
      return;
    }
    const outcome = runInMemory(text, models);
    assert.equal(outcome.broken, []);
    const golden = new Map([["w", tensors.get(`${name}/out/y`)!]]);
    const tolerance = { rule: "absolute", within: edge.within } as const;
    assert.is(complaint(compare(outcome.saved.get("out")!, golden, tolerance), tolerance), null);
  });
}

/** Refused while the graph is built, or by a `require` when its numbers are known. */
function isRefused(text: string, models: Readonly<Record<string, Checkpoint>>): boolean {
  try {
    return runInMemory(text, models).broken.length > 0;
  } catch (error) {
    if (error instanceof PeftError) return true;
    throw error;
  }
}

test.run();

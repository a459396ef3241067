/**
 * The definitions of examples/definitions, none of which the library has: each is trained for a few steps on the data of
 * its recipe, by the program itself. What an adapter adds is nothing before training; the loss falls.
 */
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { folderWith, peftc } from "../cli/bench.js";

interface Result {
  readonly ok: boolean;
  readonly reports: readonly { readonly label: string; readonly value: unknown }[];
  readonly outputs: readonly { readonly tensors: number }[];
}

function trained(name: string, steps: number): Result {
  const file = path.resolve("examples/definitions", `${name}.peft`);
  const { stdout } = peftc(
    folderWith(),
    "run",
    file,
    "--out",
    ".",
    "--set",
    `steps=${steps}`,
    "--device",
    "cpu",
    "--json",
  );
  return JSON.parse(stdout) as Result;
}

const mean = (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0) / xs.length;

function falls(result: Result, share: number): void {
  const losses = result.reports.find((r) => r.label === "fit.log.loss")!.value as number[];
  const third = Math.floor(losses.length / 3);
  const [first, last] = [mean(losses.slice(0, third)), mean(losses.slice(-third))];
  assert.ok(last < share * first, `${first} -> ${last}`);
}

function changesNothing(result: Result): void {
  const start = result.reports.find((r) => r.label.includes("apart"))!;
  assert.is(start.value, 0);
}

test("a network, an adapter, a router with its losses and an optimizer of one's own", () => {
  const module = trained("module", 30);
  assert.is(module.ok, true, JSON.stringify(module));
  falls(module, 0.85);
  for (const [name, steps, tensors] of [
    ["adapter", 30, 20],
    ["router", 24, 68],
    ["optimizer", 24, 16],
  ] as const) {
    const result = trained(name, steps);
    assert.is(result.ok, true, JSON.stringify(result));
    assert.is(result.outputs[0].tensors, tensors, name);
    falls(result, 0.9);
    if (name !== "optimizer") changesNothing(result);
  }
});

test.run();

/**
 * Tests that need a GPU, in a process of their own on the software driver: Vulkan looks for drivers when a process starts.
 * In: a title and the built test file. Out: one test that runs the file and passes when all of it does, or is skipped with
 * the reason. In the child, and for everybody with PEFTC_TEST_GPU=1, `onGpu` is true and the file runs its tests.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { softwareVulkan } from "./software.js";

export const onGpu = process.env.PEFTC_TEST_GPU === "1";

/** Ten minutes: software computes slowly. */
const limitMs = 600_000;

export function testOnSoftwareGpu(title: string, file: string | URL): void {
  const found = softwareVulkan();
  if ("reason" in found) {
    console.log(`skipped: ${title}, no software driver: ${found.reason}`);
    test.skip(title, () => {});
    return;
  }
  test(title, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(file)], {
      env: { ...process.env, ...found.env, PEFTC_TEST_GPU: "1" },
      encoding: "utf8",
      timeout: limitMs,
    });
    assert.is(status, 0, `${stdout}\n${stderr}`);
    assert.match(stdout, /Passed:\s+[1-9]/);
  });
}

/**
 * Networks on a Dawn device: the tests of logits and of gradients, in processes of their own on the software driver of
 * spec/gpu (Vulkan looks for drivers when a process starts). PEFTC_TEST_GPU=1 runs all tests of this folder on the
 * machine's own adapter.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { softwareVulkan } from "../../gpu/software.js";

const found = softwareVulkan();
for (const name of ["forward", "gradients"]) {
  const title = `${name} on the software driver`;
  if ("reason" in found) {
    console.log(`skipped: ${title}, there is none: ${found.reason}`);
    test.skip(title, () => {});
    continue;
  }
  test(title, () => {
    const file = fileURLToPath(new URL(`./${name}.test.js`, import.meta.url));
    const { status, stdout, stderr } = spawnSync(process.execPath, [file], {
      env: { ...process.env, ...found.env, PEFTC_TEST_GPU: "1" },
      encoding: "utf8",
      timeout: 600_000,
    });
    assert.is(status, 0, `${stdout}\n${stderr}`);
    assert.match(stdout, /Passed:\s+[1-9]/);
  });
}
test.run();

/** The trial product of `peftc doctor` sees a device that computes wrong. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type ResidentRunner, residentCpu, wrongElements } from "../../../runtime/resident/index.js";

test("a sound device gets every element right", async () => {
  const cpu = residentCpu({ threads: 1 });
  assert.is(await wrongElements(cpu), 0);
  cpu.close();
});

test("elements that are wrong or never written are counted", async () => {
  const cpu = residentCpu({ threads: 1 });
  const without = (spoil: (result: Float32Array) => void): ResidentRunner => ({
    ...cpu,
    allocate: (bytes) => cpu.allocate(bytes),
    upload: () => {},
    download: () => {},
    matmul: (call) => {
      cpu.matmul(call);
      const { host } = call.to.memory;
      spoil(new Float32Array(host.buffer, host.byteOffset, call.m * call.n));
    },
  });
  const oneOff = without((result) => {
    result[100] += 1;
  });
  assert.is(await wrongElements(oneOff), 1);
  const idle = without((result) => result.fill(Number.NaN));
  assert.is(await wrongElements(idle), 48 * 48);
  cpu.close();
});

test.run();

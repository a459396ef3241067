/** Every kernel that a merge of the standard library schedules, for inputs of each usual dtype, must pass Tint. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { emitWgsl } from "../../../compiler/targets/wgsl/index.js";
import { type NullCompiler, openNullCompiler } from "../../../runtime/device/gpu/index.js";
import { removeScratch, scratch } from "../run/models.js";
import { libraryPrograms, writeHeaders } from "../schedule/scheduled.js";

let compiler: NullCompiler;
test.before(async () => {
  compiler = await openNullCompiler();
});
test.after(() => {
  compiler.close();
  removeScratch();
});

/** Texts of kernels that were tried: merges share some. */
const tried = new Set<string>();

for (const dtype of ["BF16", "F16", "F32"] as const) {
  const folder = scratch();
  writeHeaders(folder, dtype);
  for (const [name, { kernels }] of libraryPrograms(folder)) {
    test(`${name} of ${dtype}`, async () => {
      assert.ok(kernels.length > 0);
      for (const kernel of kernels) {
        if (tried.has(kernel.text)) continue;
        tried.add(kernel.text);
        const { code, entries } = emitWgsl(kernel);
        const messages = await compiler.compile(
          code,
          entries.map((entry) => entry.name),
        );
        assert.equal(
          messages.map(({ line, text }) => `${line}: ${text}\n${code.split("\n")[line - 1] ?? ""}`),
          [],
          kernel.text,
        );
      }
    });
  }
}

test.run();

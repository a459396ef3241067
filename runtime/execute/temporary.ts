/** A folder for the temporary files of a run. Throws X002 where none can be made. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { fail } from "../../grammar/index.js";
import { isSystemError } from "../checkpoint/index.js";

export function temporaryFolder(): string {
  const parent = os.tmpdir();
  try {
    return fs.mkdtempSync(path.join(parent, "peftc-"));
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return fail(
      "X002",
      `no folder for temporary files can be made: ${error.message}`,
      { file: parent, span: null },
      { help: "set TMPDIR to a folder that you may write to" },
    );
  }
}

/**
 * `--report FILE`: the page of a run. In: the path, as typed. Out: whether the page may be written there, told before the
 * run; after it, the page. Another page is replaced, since it says nothing that the recipe could not say again; anything
 * else is not.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { fail } from "../../grammar/index.js";
import { isSystemError, quoteName } from "../checkpoint/index.js";
import type { Compiled } from "../compile/index.js";
import type { RunResult } from "../execute/index.js";
import { packageVersion } from "../installation/index.js";
import { runReport } from "../report/index.js";

/** Throws PeftError (F050, F053) when a page cannot be written to this path. */
export function checkPage(file: string): void {
  const place = { file, span: null };
  if (!/\.html?$/i.test(file))
    fail("F053", `expected a file that ends in .html for the page, found ${quoteName(file)}`, place, {
      help: "write --report results.html",
    });
  const parent = path.dirname(path.resolve(file));
  if (!(fs.statSync(parent, { throwIfNoEntry: false })?.isDirectory() ?? false))
    fail("F053", `there is no folder ${quoteName(parent)} for the page`, place, { help: "make the folder first" });
  const old = fs.statSync(file, { throwIfNoEntry: false });
  if (old === undefined) return;
  const isPage = old.isFile() && fs.readFileSync(file, "utf8").includes('<meta name="generator" content="peftc">');
  if (!isPage)
    fail("F050", `${quoteName(file)} exists and is no page of peftc, so it is not replaced`, place, {
      help: "name another file",
    });
}

/** Writes the page; what the disk refuses is thrown as a PeftError (F060). */
export async function writePage(file: string, compiled: Compiled, result: RunResult): Promise<void> {
  const { reportPage } = await import("../report/html/index.js");
  const plan = compiled.plan!;
  const facts: [string, string][] = [
    ["recipe", `${plan.recipe} in ${path.basename(compiled.file)}`],
    ["seed", String(plan.seed)],
    ...plan.settings,
    ["peftc", packageVersion()],
  ];
  const text = reportPage(runReport({ ...result, facts }, plan.recipe));
  const unfinished = `${file}.${process.pid}`;
  try {
    fs.writeFileSync(unfinished, text);
    fs.renameSync(unfinished, file);
  } catch (error) {
    fs.rmSync(unfinished, { force: true });
    if (!isSystemError(error)) throw error;
    fail("F060", `the page cannot be written: ${error.message}`, { file, span: null }, { help: "name another file" });
  }
}

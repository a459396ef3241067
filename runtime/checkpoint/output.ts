/**
 * Writing an output so that it is either complete or not there.
 *
 * In: a plan. Out: pre-sized files with their headers in a hidden folder beside the target, whose paths other threads
 * may open and fill; then `finish` writes the small files, syncs everything (the index last) and renames the folder to
 * its final name; an output that is one file is renamed alone. Whatever happens before that rename leaves the target as it was; the hidden folder of a dead run is
 * removed by the next one (lock.ts).
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { fail, PeftError } from "../../grammar/index.js";
import { at, isSystemError, readRange, withFile } from "./access.js";
import { checkNames, type OutputPlan, type TextFile } from "./layout.js";
import { createStaging, removeStaging, replacedName } from "./lock.js";
import { checkTarget, type TargetOptions, writeFailure } from "./target.js";

/** Prepares an output: checks the target, makes its parents, locks, writes headers. Throws PeftError (F050 to F060). */
export function openOutput(plan: OutputPlan, { force, inputs = [] }: TargetOptions): Output {
  const options = { force, inputs: [...inputs, ...plan.carry.map(({ from }) => from)] };
  requireTarget(plan.to, options);
  return writing(plan.to, () => {
    const made = fs.mkdirSync(path.dirname(plan.to), { recursive: true }) ?? null;
    try {
      const staging = createStaging(plan.to);
      try {
        // A dead run's old output may have come back just now.
        requireTarget(plan.to, options);
        const folder = path.join(staging, path.basename(plan.to));
        fs.mkdirSync(folder);
        for (const file of plan.files) presize(path.join(folder, file.name), file.header, file.bytes);
        return new Output(plan, options, staging, folder, made);
      } catch (error) {
        removeStaging(staging);
        throw error;
      }
    } catch (error) {
      removeEmptyParents(plan.to, made);
      throw error;
    }
  });
}

/** An output in the making. Call `finish` or `abort`, once. */
export class Output {
  private open = true;

  /** False once it was finished or aborted. */
  get isOpen(): boolean {
    return this.open;
  }

  constructor(
    readonly plan: OutputPlan,
    private readonly options: TargetOptions,
    private readonly staging: string,
    private readonly folder: string,
    private readonly madeParent: string | null,
  ) {}

  /** Where one of the plan's files lies until `finish`: open it and write ranges of it, from any thread. */
  path(file: string): string {
    return path.join(this.folder, file);
  }

  /**
   * Completes the output and gives it its name. Every tensor must have been written and every other descriptor closed.
   * Files `beside` (a receipt, say) are written with config and carried files; one bare file has none. On failure the output is aborted and a
   * PeftError thrown.
   */
  finish(beside: readonly TextFile[] = []): void {
    this.end();
    const { plan } = this;
    const extra = plan.bare ? [] : beside;
    try {
      writing(plan.to, () => {
        const config = plan.config ? [plan.config] : [];
        const index = plan.index ? [plan.index] : [];
        checkNames(
          plan.to,
          [...plan.files, ...plan.carry, ...config, ...extra, ...index].map(({ name }) => name),
        );
        for (const { from, name } of plan.carry)
          fs.writeFileSync(
            this.path(name),
            withFile(from, (fd, bytes) => readRange(fd, 0, bytes)),
          );
        for (const { name, text } of [...config, ...extra]) fs.writeFileSync(this.path(name), text);
        for (const { name } of [...plan.files, ...plan.carry, ...config, ...extra]) sync(this.path(name));
        for (const { name, text } of index) {
          fs.writeFileSync(this.path(name), text);
          sync(this.path(name));
        }
        sync(this.folder);
        this.publish();
      });
    } catch (error) {
      this.discard();
      throw error;
    }
    try {
      removeStaging(this.staging);
    } catch {
      // The output is complete; what is left of the old one goes with the next run for this target.
    }
  }

  /** Removes everything that was written. */
  abort(): void {
    this.end();
    this.discard();
  }

  private end(): void {
    if (!this.open) throw new Error("the output was finished or aborted before");
    this.open = false;
  }

  private discard(): void {
    removeStaging(this.staging);
    removeEmptyParents(this.plan.to, this.madeParent);
  }

  /** Renames; an old output steps aside first and comes back if the rename fails. */
  private publish(): void {
    const { to, bare } = this.plan;
    requireTarget(to, this.options);
    const parent = path.dirname(to);
    if (bare) {
      // Takes the place of an old file in one step.
      fs.renameSync(this.path(path.basename(to)), to);
      sync(parent);
      return;
    }
    const occupied = this.options.force && fs.existsSync(to) && fs.readdirSync(to).length > 0;
    const aside = path.join(this.staging, replacedName);
    if (occupied) fs.renameSync(to, aside);
    try {
      fs.renameSync(this.folder, to);
    } catch (error) {
      if (occupied) fs.renameSync(aside, to);
      if (isSystemError(error) && (error.code === "ENOTEMPTY" || error.code === "EEXIST"))
        fail("F050", "another run saved here in the meantime", at(to), { help: "save to another folder" });
      throw error;
    }
    sync(parent);
  }
}

function requireTarget(target: string, options: TargetOptions): void {
  const problem = checkTarget(target, options);
  if (problem) throw new PeftError([problem]);
}

/** Runs `work`; what the operating system refuses becomes a diagnostic about the target. */
function writing<T>(target: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof PeftError || !isSystemError(error)) throw error;
    throw new PeftError([writeFailure(target, error)]);
  }
}

function presize(file: string, header: Uint8Array, bytes: number): void {
  const fd = fs.openSync(file, "wx");
  try {
    fs.ftruncateSync(fd, bytes);
    let done = 0;
    while (done < header.length) done += fs.writeSync(fd, header, done, header.length - done, done);
  } finally {
    fs.closeSync(fd);
  }
}

/** Flushes a file or a folder to the disk. */
function sync(file: string): void {
  const fd = fs.openSync(file, "r");
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Takes back the parents that this run made, as far as they are empty. */
function removeEmptyParents(target: string, made: string | null): void {
  if (made === null) return;
  let folder = path.dirname(target);
  while (folder.startsWith(made)) {
    try {
      fs.rmdirSync(folder);
    } catch {
      return;
    }
    folder = path.dirname(folder);
  }
}

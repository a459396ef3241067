/**
 * Reading and writing ranges of open files. Descriptors stay open for the life of the lane. A short read means that a
 * file shrank under us; a failed write mostly means a full disk: both stop the run.
 */
import * as fs from "node:fs";
import { fail } from "../../grammar/index.js";

export interface OpenFiles {
  read(path: string, into: Uint8Array, position: number): void;
  write(path: string, from: Uint8Array, position: number): void;
  close(): void;
}

export function openFiles(): OpenFiles {
  const open = new Map<string, number>();
  const descriptor = (path: string, flags: "r" | "r+"): number => {
    const key = `${flags} ${path}`;
    let fd = open.get(key);
    if (fd === undefined) {
      try {
        fd = fs.openSync(path, flags);
      } catch (error) {
        return fail("X001", `cannot open ${path}: ${(error as Error).message}`, { file: path, span: null });
      }
      open.set(key, fd);
    }
    return fd;
  };
  return {
    read(path, into, position) {
      const fd = descriptor(path, "r");
      let done = 0;
      while (done < into.length) {
        let n: number;
        try {
          n = fs.readSync(fd, into, done, into.length - done, position + done);
        } catch (error) {
          return fail("X001", `cannot read ${path}: ${(error as Error).message}`, { file: path, span: null });
        }
        if (n === 0) {
          return fail(
            "X001",
            `${path} ended at byte ${position + done}, ${into.length - done} bytes early: it changed while it was read`,
            { file: path, span: null },
            { help: "let nobody write to the inputs during a run" },
          );
        }
        done += n;
      }
    },
    write(path, from, position) {
      const fd = descriptor(path, "r+");
      let done = 0;
      while (done < from.length) {
        try {
          done += fs.writeSync(fd, from, done, from.length - done, position + done);
        } catch (error) {
          const { code, message } = error as NodeJS.ErrnoException;
          const full = code === "ENOSPC" || code === "EDQUOT";
          return fail(
            "X002",
            full ? `the disk is full: ${path} could not be written` : `cannot write ${path}: ${message}`,
            { file: path, span: null },
            {
              help: full
                ? "free some space, or use another disk: --out says where outputs go, TMPDIR where temporary files"
                : null,
            },
          );
        }
      }
    },
    close() {
      for (const fd of open.values()) fs.closeSync(fd);
      open.clear();
    },
  };
}

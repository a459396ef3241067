/**
 * Files that are not safetensors, recognised by their first bytes or their name, and refused with what to do instead.
 *
 * In: an open file whose header makes no sense, or a path. Out: nothing, or a diagnostic. The first bytes are looked at
 * only after the header has failed: the pickle mark 0x80 0x02 is also the start of a good header of 640 bytes.
 */
import * as path from "node:path";
import { fail } from "../../grammar/index.js";
import { at, readRange } from "./access.js";
import { quoteName } from "./quote.js";

const pickleEndings = [".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"];

/** Fails with F030, F031, F033 or F034 when the file is of another known format. */
export function refuseForeign(file: string, fd: number): void {
  const start = Buffer.from(readRange(fd, 0, 64)).toString("latin1");
  if (start.startsWith("PK\x03\x04") || isPickleStart(start)) refusePickle(file);
  if (start.startsWith("GGUF")) refuseGguf(file);
  if (start.startsWith("version https://git-lfs")) refuseLfsPointer(file);
  if (start.startsWith("\x89HDF")) refuseOther(file, "an HDF5 file");
  if (start.startsWith("\x93NUMPY")) refuseOther(file, "a NumPy array");
  if (/^\s*<(!doctype|html)/i.test(start)) refuseOther(file, "a web page");
}

/** The mark of pickle protocols 2 to 5. */
function isPickleStart(start: string): boolean {
  return start.charCodeAt(0) === 0x80 && start.charCodeAt(1) >= 2 && start.charCodeAt(1) <= 5;
}

/** Fails with F030 or F031 when the file's name says that it is of another format. */
export function refuseForeignName(file: string): void {
  const ending = path.extname(file).toLowerCase();
  if (pickleEndings.includes(ending)) refusePickle(file);
  if (ending === ".gguf") refuseGguf(file);
}

export function isPickleName(name: string): boolean {
  return pickleEndings.includes(path.extname(name).toLowerCase());
}

export function refusePickle(file: string): never {
  const target = file.replace(/\.[^./\\]*$/, "") + ".safetensors";
  fail("F030", `${quoteName(path.basename(file))} is a pickle file, which can run code when it is read`, at(file), {
    help: `convert it once, in Python: safetensors.torch.save_file(torch.load(${JSON.stringify(file)}, weights_only=True), ${JSON.stringify(target)})`,
  });
}

export function refuseGguf(file: string): never {
  fail("F031", `${quoteName(path.basename(file))} is a GGUF file: quantised weights for llama.cpp`, at(file), {
    help: "merge the original safetensors checkpoint, then convert the result to GGUF",
  });
}

function refuseLfsPointer(file: string): never {
  fail("F034", `${quoteName(path.basename(file))} is a Git LFS pointer: the weights were not downloaded`, at(file), {
    help: "run `git lfs pull` in the repository of the checkpoint",
  });
}

function refuseOther(file: string, what: string): never {
  fail("F033", `expected a safetensors file, found ${what}`, at(file), {
    help: "download or convert the checkpoint to safetensors",
  });
}

/** Pages of the diagnostics about paths (F00x) and about the header of a safetensors file (F01x, F02x). */
import type { Catalogue } from "../../grammar/index.js";

export const headerPages: Catalogue = {
  F001: {
    title: "path does not exist",
    page: `A recipe or a command names a file or folder that is not there. The message names the first part of the path
that is missing, and names like it in the same folder. Relative paths in a recipe start at the recipe's folder.

  wrong   load("models/bas")
  right   load("models/base")`,
  },
  F002: {
    title: "path cannot be read",
    page: `The system refuses to read the path, or reading failed: permissions, or a disk or network that answers with an
error.

  wrong   a model folder that only root may enter
  right   chmod -R u+rX models/base`,
  },
  F003: {
    title: "not a regular file",
    page: `Where a file was expected there is a folder, a pipe, a device, or links that lead in a circle. peftc opens
regular files only (links to them are fine), so that no run waits for ever.

  wrong   model.safetensors -> model.safetensors
  right   model.safetensors -> ../blobs/4f2c…`,
  },
  F004: {
    title: "no possible path",
    page: `The path is empty, contains a NUL character, or is longer than the file system allows: no file can be there.

  wrong   load("")
  right   load("models/base")`,
  },
  F005: {
    title: "text file too large",
    page: `A configuration or an index is read whole, so its size is bounded: 16 MB for config.json, 64 MB for an index.
A larger file is most likely not what its name says.

  wrong   config.json of 3 GB (weights saved under the wrong name)
  right   config.json of a few kB`,
  },
  F010: {
    title: "file too short",
    page: `A safetensors file starts with 8 bytes that hold the length of its header. This file is shorter than that: most
often a download that never began.

  wrong   model.safetensors of 0 bytes
  right   download the file again`,
  },
  F011: {
    title: "header longer than the file",
    page: `The first 8 bytes give the length of the header. Here it goes past the end of the file: the file is cut off, or
it is of another format under a .safetensors name.

  wrong   a download that stopped in the header
  right   download the file again and compare its size`,
  },
  F012: {
    title: "header too large",
    page: `Readers accept headers of up to 100 000 000 bytes; a larger one is refused before it is read into memory.
Headers grow with the number of tensors, about 120 bytes each.

  wrong   one file with millions of tensors
  right   several files and an index`,
  },
  F013: {
    title: "header not UTF-8",
    page: `The header is a JSON text in UTF-8. A name in another encoding, or damage to the file, makes it unreadable.

  wrong   a tensor name written in Latin-1
  right   save the file again with the safetensors library`,
  },
  F014: {
    title: "header not JSON",
    page: `The header must be one JSON object that starts with "{" and is followed by nothing but spaces. The message gives
the byte in the file where reading stopped. The file is damaged or was written by a faulty program.

  wrong   {"w": {"dtype": "F32", "shape": [2],}}
  right   {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}`,
  },
  F015: {
    title: "key given twice",
    page: `A key stands twice in the same object of the header. One program would read the first tensor of that name,
another the second, so a file could show one model to a scanner and another one to a user.

  wrong   {"w": {... "data_offsets": [0, 8]}, "w": {... "data_offsets": [8, 16]}}
  right   each name once`,
  },
  F016: {
    title: "malformed entry",
    page: `The entry of a tensor is an object with exactly three keys: dtype (text), shape and data_offsets (lists of whole
numbers).

  wrong   "w": {"dtype": "F32", "shape": [2], "offsets": [0, 8]}
  right   "w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}`,
  },
  F017: {
    title: "unknown dtype",
    page: `The file stores a tensor in a number format that peftc does not read: packed 4-bit formats, for example, mean
nothing without the scales of their quantiser.

  wrong   a checkpoint quantised to F4
  right   the original checkpoint in BF16, F16 or F32`,
  },
  F018: {
    title: "impossible shape",
    page: `A shape is a list of whole numbers from 0 on, written as such, and the tensor has at most 2^53 bytes. An empty
list is a single number (rank 0); a length of 0 is an empty tensor; both are fine.

  wrong   "shape": [-1, 64]     "shape": [2.0]
  right   "shape": [32, 64]     "shape": []`,
  },
  F019: {
    title: "impossible byte range",
    page: `data_offsets are two whole numbers, begin and end, counted from the end of the header, with begin <= end.

  wrong   "data_offsets": [8, 0]
  right   "data_offsets": [0, 8]`,
  },
  F020: {
    title: "range does not fit the shape",
    page: `A tensor takes the product of its shape times the bytes of its dtype; its range must have that length.

  wrong   F32 [2, 2] in "data_offsets": [0, 8]
  right   F32 [2, 2] in "data_offsets": [0, 16]`,
  },
  F021: {
    title: "tensors share bytes",
    page: `The ranges of two tensors overlap. The format stores each tensor once; weights that are tied are stored under one
name and tied again by the reader.

  wrong   "a": [0, 16], "b": [8, 24]
  right   "a": [0, 16], "b": [16, 32]`,
  },
  F022: {
    title: "bytes that belong to no tensor",
    page: `The ranges must cover the data from the first byte without a gap: a gap could hide anything.

  wrong   "a": [0, 16], "b": [24, 40]
  right   "a": [0, 16], "b": [16, 32]`,
  },
  F023: {
    title: "bytes after the last tensor",
    page: `The file goes on after its last tensor. Two files were joined, or something was appended.

  wrong   cat model.safetensors notes.txt > model.safetensors
  right   a file that ends with its last tensor`,
  },
  F024: {
    title: "file is cut off",
    page: `The header places tensors past the end of the file: a download or a copy stopped early.

  wrong   model.safetensors of 3.1 GB whose header needs 4.9 GB
  right   download it again`,
  },
  F025: {
    title: "metadata is not text",
    page: `__metadata__ is an object whose values are all strings; numbers and lists are written as text.

  wrong   "__metadata__": {"step": 500}
  right   "__metadata__": {"step": "500"}`,
  },
};

/**
 * The header of a safetensors file: 8 bytes with the length N of the header (little endian), N bytes of JSON that map
 * each tensor's name to its dtype, shape and byte range, then the tensors without a gap.
 *
 * In: a path. Out: metadata and one entry a tensor, with offsets from the start of the file, in the order of the data.
 * Only the header is read. Everything a header can get wrong is refused, each with its own code, so that no later stage
 * has to ask whether a range lies in the file. Stricter than the reference reader where two readers could disagree
 * about the meaning: a key twice, an unknown key in an entry, anything but spaces after the JSON.
 * Source: the safetensors format, spec/formats.md.
 */
import { bytesOf, isStorageDtype, type StorageDtype, storageDtypes } from "../../compiler/index.js";
import { fail } from "../../grammar/index.js";
import { at, decodeUtf8, readRange, withFile } from "./access.js";
import { refuseForeign } from "./foreign.js";
import { isJsonArray, isJsonObject, type JsonMember, type JsonNode, kindOfJson, parseJson } from "./json.js";
import { quoteName } from "./quote.js";

/** One tensor in a file. `offset` counts from the start of the file. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: StorageDtype;
  readonly shape: readonly number[];
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
}

export interface SafetensorsHeader {
  readonly path: string;
  readonly fileBytes: number;
  /** The length of the JSON text; the data begin at `8 + headerBytes`. */
  readonly headerBytes: number;
  readonly metadata: ReadonlyMap<string, string>;
  /** In the order of their offsets. */
  readonly tensors: readonly TensorEntry[];
}

/** The reference reader's limit. */
export const largestHeader = 100_000_000;

const lengthBytes = 8;
const rewrite = "download the file again, or write it again with the safetensors library";

/** Reads and checks the header of the safetensors file at `file`. Throws PeftError (F001 to F005, F010 to F034). */
export function readHeader(file: string): SafetensorsHeader {
  return withFile(file, (fd, fileBytes) => {
    const text = headerText(file, fd, fileBytes);
    const headerBytes = text.bytes;
    const { metadata, entries } = parseHeader(file, text.text, lengthBytes + headerBytes);
    const tensors = checkLayout(file, entries, lengthBytes + headerBytes, fileBytes);
    return { path: file, fileBytes, headerBytes, metadata, tensors };
  });
}

function headerText(file: string, fd: number, fileBytes: number): { text: string; bytes: number } {
  const prefix = readRange(fd, 0, lengthBytes);
  if (prefix.length < lengthBytes) {
    refuseForeign(file, fd);
    fail("F010", `expected at least 8 bytes, found a file of ${prefix.length}`, at(file), { help: rewrite });
  }
  const declared = new DataView(prefix.buffer).getBigUint64(0, true);
  if (declared > BigInt(fileBytes - lengthBytes)) {
    refuseForeign(file, fd);
    fail("F011", `the header claims ${declared} bytes, but only ${fileBytes - lengthBytes} follow`, at(file), {
      help: "the file is cut off or is no safetensors file: " + rewrite,
    });
  }
  const bytes = Number(declared);
  if (bytes > largestHeader)
    fail("F012", `the header has ${bytes} bytes, more than the ${largestHeader} that readers accept`, at(file), {
      help: "split the tensors over several files",
    });
  const raw = readRange(fd, lengthBytes, bytes);
  if (raw[0] !== 0x7b) {
    refuseForeign(file, fd);
    const found = bytes === 0 ? "an empty header" : `the byte 0x${raw[0].toString(16).padStart(2, "0")}`;
    fail("F014", `expected the header to start with "{", found ${found}`, at(file), { help: rewrite });
  }
  const text = decodeUtf8(raw);
  if (text === null) fail("F013", "the header is not valid UTF-8", at(file), { help: rewrite });
  return { text, bytes };
}

function parseHeader(
  file: string,
  text: string,
  dataStart: number,
): { metadata: ReadonlyMap<string, string>; entries: TensorEntry[] } {
  const parsed = parseJson(text);
  if (!parsed.ok) {
    const place = `at byte ${lengthBytes + Buffer.byteLength(text.slice(0, parsed.offset))}`;
    if (parsed.duplicate)
      fail("F015", `the header has the key ${quoteName(parsed.message)} twice (${place})`, at(file), {
        help: "readers would disagree about which one counts: " + rewrite,
      });
    fail("F014", `the header is not valid JSON: ${parsed.message} (${place})`, at(file), { help: rewrite });
  }
  if (!isJsonObject(parsed.value)) fail("F014", "the header is not a JSON object", at(file), { help: rewrite });
  const tail = /[^ ]/.exec(text.slice(text.lastIndexOf("}") + 1));
  if (tail) fail("F014", "the header is padded with something other than spaces", at(file), { help: rewrite });
  let metadata: ReadonlyMap<string, string> = new Map();
  const entries: TensorEntry[] = [];
  for (const [name, member] of parsed.value) {
    if (name === "__metadata__") metadata = readMetadata(file, member.value);
    else entries.push(readEntry(file, name, member, text, dataStart));
  }
  return { metadata, entries };
}

function readMetadata(file: string, node: JsonNode): ReadonlyMap<string, string> {
  if (!isJsonObject(node))
    fail("F025", `expected "__metadata__" to be an object of strings, found ${kindOfJson(node)}`, at(file), {
      help: rewrite,
    });
  const metadata = new Map<string, string>();
  for (const [key, { value }] of node) {
    if (typeof value !== "string")
      fail("F025", `expected a string for the metadata key ${quoteName(key)}, found ${kindOfJson(value)}`, at(file), {
        help: "write every metadata value as a string",
      });
    metadata.set(key, value);
  }
  return metadata;
}

function readEntry(file: string, name: string, entry: JsonMember, text: string, dataStart: number): TensorEntry {
  if (!isJsonObject(entry.value))
    fail("F016", `expected an object for the tensor ${quoteName(name)}, found ${kindOfJson(entry.value)}`, at(file), {
      help: rewrite,
    });
  const { value: fields } = entry;
  for (const key of fields.keys())
    if (key !== "dtype" && key !== "shape" && key !== "data_offsets")
      fail("F016", `the entry of the tensor ${quoteName(name)} has the unknown key ${quoteName(key)}`, at(file), {
        help: "an entry has dtype, shape and data_offsets; put anything else into the metadata",
      });
  const [dtype, shape, range] = ["dtype", "shape", "data_offsets"].map((key) => {
    const field = fields.get(key);
    if (!field) fail("F016", `the entry of the tensor ${quoteName(name)} has no ${key}`, at(file), { help: rewrite });
    return field;
  });
  if (typeof dtype.value !== "string")
    fail("F016", `expected a string for the dtype of ${quoteName(name)}, found ${kindOfJson(dtype.value)}`, at(file), {
      help: rewrite,
    });
  if (!isStorageDtype(dtype.value))
    fail(
      "F017",
      `the tensor ${quoteName(name)} has the dtype ${quoteName(dtype.value)}, which peftc does not read`,
      at(file),
      {
        help: `convert it to one of ${Object.keys(storageDtypes).join(", ")}`,
      },
    );
  const lengths = naturals(shape, text);
  if (lengths === null)
    fail(
      "F018",
      `expected whole numbers from 0 on for the shape of ${quoteName(name)}, found ${excerpt(shape, text)}`,
      at(file),
      {
        help: rewrite,
      },
    );
  const elements = lengths.reduce((product, length) => product * length, 1);
  const spread = lengths.reduce((product, length) => product * Math.max(length, 1), bytesOf(dtype.value));
  if (spread > Number.MAX_SAFE_INTEGER)
    fail("F018", `the tensor ${quoteName(name)} of shape [${lengths.join(", ")}] has more than 2^53 bytes`, at(file), {
      help: rewrite,
    });
  const offsets = naturals(range, text);
  if (offsets?.length !== 2 || offsets[0] > offsets[1])
    fail("F019", `expected data_offsets [begin, end] for ${quoteName(name)}, found ${excerpt(range, text)}`, at(file), {
      help: rewrite,
    });
  const bytes = elements * bytesOf(dtype.value);
  if (offsets[1] - offsets[0] !== bytes)
    fail(
      "F020",
      `the tensor ${quoteName(name)} of ${dtype.value} [${lengths.join(", ")}] takes ${bytes} bytes, but its range has ${offsets[1] - offsets[0]}`,
      at(file),
      { help: rewrite },
    );
  return { name, dtype: dtype.value, shape: lengths, file, offset: dataStart + offsets[0], bytes };
}

/** A list of exact integers from 0 to 2^53 - 1, written as such (not `1.0`, not `-0`); otherwise null. */
function naturals(member: JsonMember, text: string): readonly number[] | null {
  const { value } = member;
  if (!isJsonArray(value) || !/^[[\]0-9,\s]*$/.test(text.slice(member.start, member.end))) return null;
  return value.every((item): item is number => Number.isSafeInteger(item)) ? value : null;
}

function excerpt(member: JsonMember, text: string): string {
  const written = text.slice(member.start, Math.min(member.end, member.start + 60));
  return member.end - member.start > 60 ? `${written}…` : written;
}

/** Sorts entries by offset and makes sure that they cover the data exactly once. */
function checkLayout(file: string, entries: TensorEntry[], dataStart: number, fileBytes: number): TensorEntry[] {
  const tensors = entries.sort((a, b) => a.offset - b.offset || a.bytes - b.bytes);
  let end = dataStart;
  let before: TensorEntry | null = null;
  for (const tensor of tensors) {
    if (tensor.offset > end)
      fail(
        "F022",
        `${tensor.offset - end} bytes between ${placeName(before)} and ${quoteName(tensor.name)} belong to no tensor`,
        at(file),
        {
          help: rewrite,
        },
      );
    if (tensor.offset < end)
      fail("F021", `the tensors ${placeName(before)} and ${quoteName(tensor.name)} share bytes`, at(file), {
        help: "tied weights are stored once, under one name: " + rewrite,
      });
    end = tensor.offset + tensor.bytes;
    before = tensor;
  }
  if (end > fileBytes)
    fail("F024", `expected a file of ${end} bytes, found ${fileBytes}: ${end - fileBytes} are missing`, at(file), {
      help: "the file is cut off: download or copy it again",
    });
  if (end < fileBytes)
    fail(
      "F023",
      `expected a file of ${end} bytes, found ${fileBytes}: ${fileBytes - end} belong to no tensor`,
      at(file),
      {
        help: rewrite,
      },
    );
  return tensors;
}

function placeName(tensor: TensorEntry | null): string {
  return tensor ? quoteName(tensor.name) : "the start of the data";
}

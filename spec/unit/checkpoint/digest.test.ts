/** Digests of tensor lists, the cache of digests, and the catalogue. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  cacheFolder,
  checkpointCatalogue,
  DigestCache,
  type DigestLine,
  type FileIdentity,
  identifyFile,
  tensorListDigest,
} from "../../../runtime/checkpoint/index.js";
import { fileOf, freshFolder } from "./files.js";

const hex = "ab".repeat(32);
const line = (name: string, shape: readonly number[] = [2, 3]): DigestLine => ({ name, dtype: "F32", shape, hex });

test("the digest of a list is the SHA-256 of its lines", () => {
  const text = `"a" F32 2x3 ${hex}\n"b\\n\\u00e9\\ud834\\udd1e" F32 scalar ${hex}\n`;
  const expected = createHash("sha256").update(text).digest("hex");
  assert.is(tensorListDigest([line("b\né𝄞", []), line("a")]), expected);
});

test("a name cannot forge a line, and every part counts", () => {
  const forged = `a" F32 2x3 ${hex}\n"b`;
  const digests = [
    [line("a"), line("b")],
    [line(forged)],
    [line("a")],
    [line("a", [3, 2])],
    [line("a", [6])],
    [{ ...line("a"), hex: "00".repeat(32) }],
    [{ ...line("a"), dtype: "I32" as const }],
    [],
  ].map(tensorListDigest);
  assert.is(new Set(digests).size, digests.length);
});

/** A file that was not changed just now, and its identity. */
function settledFile(): { file: string; identity: FileIdentity } {
  const file = fileOf("weights", "w.safetensors");
  fs.utimesSync(file, new Date(1e12), new Date(1e12));
  return { file, identity: identifyFile(file)! };
}

const digests = new Map([
  ["w", hex],
  ["__proto__", "0".repeat(64)],
]);

test("the cache gives back what it was given, also to another process, and adds to it", () => {
  const folder = freshFolder();
  const { identity } = settledFile();
  assert.is(new DigestCache(folder).get(identity).size, 0);
  new DigestCache(folder).put(identity, digests);
  assert.equal(new DigestCache(folder).get(identity), digests);
  new DigestCache(folder).put(identity, new Map([["v", hex]]));
  assert.equal(new DigestCache(folder).get(identity), new Map([...digests, ["v", hex]]));
  assert.equal(fs.readdirSync(path.join(folder, "digests")).length, 1);
});

test("a changed file is another file: contents, size, replacement with the old time", () => {
  const cache = new DigestCache(freshFolder());
  const { file, identity } = settledFile();
  cache.put(identity, digests);
  fs.writeFileSync(`${file}.new`, "WEIGHTS");
  fs.utimesSync(`${file}.new`, new Date(1e12), new Date(1e12));
  fs.renameSync(`${file}.new`, file);
  assert.is(cache.get(identifyFile(file)!).size, 0);
  cache.put(identity, digests);
  assert.is(cache.get(identifyFile(file)!).size, 0, "an identity of before the change stores nothing");
});

test("a link and its file share an entry; a file changed just now is not stored; a missing one has no identity", () => {
  const cache = new DigestCache(freshFolder());
  const { file, identity } = settledFile();
  cache.put(identity, digests);
  const link = path.join(freshFolder(), "link");
  fs.symlinkSync(file, link);
  assert.is(cache.get(identifyFile(link)!).size, 2);
  const fresh = identifyFile(fileOf("new"))!;
  cache.put(fresh, digests);
  assert.is(cache.get(fresh).size, 0);
  assert.is(identifyFile(path.join(file, "none")), null);
});

test("a damaged or foreign cache is ignored", () => {
  const folder = freshFolder();
  const { identity } = settledFile();
  const cache = new DigestCache(folder);
  cache.put(identity, digests);
  const [name] = fs.readdirSync(path.join(folder, "digests"));
  const entry = path.join(folder, "digests", name);
  const good = fs.readFileSync(entry, "utf8");
  for (const text of [
    "",
    "{",
    "[]",
    "null",
    good.slice(0, -4),
    good.replace(hex, "xyz"),
    good.replace('"version":1', '"version":2'),
    good.replace(/"path":"/, '"path":"/other'),
  ]) {
    fs.writeFileSync(entry, text);
    assert.is(cache.get(identity).size, 0, text);
    cache.put(identity, digests);
    assert.equal(cache.get(identity), digests);
  }
});

test("a cache that cannot be written is no cache", () => {
  const { identity } = settledFile();
  const cache = new DigestCache(path.join(fileOf("a file", "blocked"), "below"));
  cache.put(identity, digests);
  assert.is(cache.get(identity).size, 0);
});

test("the cache's place: PEFTC_CACHE_DIR, XDG_CACHE_HOME, ~/.cache", () => {
  const { PEFTC_CACHE_DIR, XDG_CACHE_HOME } = process.env;
  const place = (own: string | undefined, shared: string | undefined) => {
    for (const [name, value] of [
      ["PEFTC_CACHE_DIR", own],
      ["XDG_CACHE_HOME", shared],
    ] as const) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    return cacheFolder();
  };
  try {
    assert.is(place("/a/b", "/c"), "/a/b");
    assert.is(place(undefined, "/c"), "/c/peftc");
    assert.ok(place(undefined, "relative").endsWith("/.cache/peftc"));
    assert.ok(place(undefined, undefined).endsWith("/.cache/peftc"));
  } finally {
    place(PEFTC_CACHE_DIR, XDG_CACHE_HOME);
  }
});

test("every code that is used has a page with a wrong and a right example, and no page is left over", () => {
  const folder = "runtime/checkpoint";
  const sources = fs.readdirSync(folder).filter((name) => !name.startsWith("pages-"));
  const used = new Set(
    sources.flatMap((name) => fs.readFileSync(path.join(folder, name), "utf8").match(/(?<=")F0\d\d(?=")/g) ?? []),
  );
  assert.equal([...used].sort(), Object.keys(checkpointCatalogue).sort());
  for (const [code, { page }] of Object.entries(checkpointCatalogue)) {
    assert.match(page, /\n {2}wrong {3}/, code);
    assert.match(page, /\n {2}right {3}/, code);
  }
});

test.run();

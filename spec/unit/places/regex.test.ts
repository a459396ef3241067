/** Regular expressions over module paths: what Python's would say, and hostile ones that end. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compileRegex } from "../../../compiler/places/index.js";

function matches(pattern: string, name: string): boolean {
  const regex = compileRegex(pattern);
  if (!regex.ok) throw new Error(regex.message);
  return regex.matches(name);
}

test("whole names, as Python's fullmatch", () => {
  for (const [pattern, name, expected] of [
    [".*layers\\.0\\..*\\.(k_proj|up_proj)", "model.layers.0.self_attn.k_proj", true],
    [".*layers\\.0\\..*\\.(k_proj|up_proj)", "model.layers.10.self_attn.k_proj", false],
    [".*layers\\.0\\..*\\.(k_proj|up_proj)", "model.layers.0.self_attn.k_proj.x", false],
    ["(.*\\.)?(v_proj)", "v_proj", true],
    ["(.*\\.)?(v_proj)", "av_proj", false],
    ["^model\\.layers\\.\\d+\\.q$", "model.layers.12.q", true],
    ["a{2,3}b?", "aaa", true],
    ["a{2,3}b?", "aaaab", false],
    ["a{2}", "aa", true],
    ["[a-c_]+[^0-9.]", "ab_x", true],
    ["[a-c_]+[^0-9.]", "ab_.", false],
    ["[]x]", "]", true],
    ["(?:ab|a)(c|bc)", "abc", true],
    ["", "", true],
    ["a|", "", true],
    ["\\w+\\.\\W", "ab.-", true],
    ["a.c", "a\nc", false],
    ["x{,2}", "xx", true],
  ] as const) {
    assert.is(matches(pattern, name), expected, `${pattern} on ${name}`);
  }
});

test("what cannot be read says why", () => {
  for (const pattern of ["(a", "a)", "[a", "*a", "a**", "\\", "\\q", "(?<n>a)", "a{3,2}", `${"(".repeat(60)}`]) {
    const regex = compileRegex(pattern);
    assert.not(regex.ok, pattern);
    assert.ok(!regex.ok && regex.message.length > 5, pattern);
  }
  assert.not(compileRegex("a".repeat(3000)).ok);
});

test("expressions that backtrack for ages elsewhere give an answer", () => {
  const long = `${"a".repeat(400)}!`;
  assert.not(matches("(a+)+b", long));
  assert.not(matches("(((a*)*)*)*b", long));
  assert.not(matches("(a|aa)+$b", long));
  assert.ok(matches("(((a*)*)*)*!", long));
});

test.run();

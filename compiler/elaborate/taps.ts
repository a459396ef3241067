/**
 * Taps: what modules read and gave while a function ran. In: a function and which modules are listened to. Out: a record by
 * path of `{ input, output, emitted }`. A module that is called again has its later calls as `path#1`, `path#2`. Calls inside running
 * loops are not heard: their tensors exist only there. What nobody takes from the record is not computed.
 */
import type { Span } from "../../grammar/index.js";
import { selects } from "./attach.js";
import { apply, type Given } from "./call.js";
import { type Context, stop, type Taps } from "./context.js";
import { none, type TreeValue, type Value } from "./value.js";

/** Runs `f`, and gives what the chosen modules read, gave and emitted. Stops (R039) where none was called. */
export function taps(context: Context, f: Value, at: Value | undefined, span: Span): Value {
  const heard = new Map<string, Value>();
  const passed = new Set<string>();
  const listens: Taps = {
    loop: context.loop,
    wants(tree) {
      const { path, host } = tree.module!;
      if (path === "" || host !== null) return false;
      passed.add(path);
      return selects(context, tree, tree.module!, at, span);
    },
    hear(path, value) {
      let key = path;
      for (let i = 1; heard.has(key); i++) key = `${path}#${i}`;
      heard.set(key, value);
    },
  };
  apply({ ...context, taps: listens }, f, [], span);
  if (heard.size > 0) return { kind: "record", fields: heard };
  return stop(context, "R039", "the function called no module that taps listens to", span, {
    help: passed.size === 0 ? "call a model in it" : `it called ${[...passed].slice(0, 5).join(", ")}`,
  });
}

/** Runs the call of a module or part, heard where taps want it. */
export function heard(
  context: Context,
  tree: TreeValue,
  given: ReadonlyMap<string, Given>,
  run: (scope: Context) => Value,
): Value {
  const { taps: listens } = context;
  if (listens === undefined || listens.loop !== context.loop || !listens.wants(tree))
    return run(context.emitted === undefined ? context : { ...context, emitted: undefined });
  const emitted = new Map<string, Value>();
  const output = run({ ...context, emitted });
  const input = [...given.values()][0]?.value ?? none;
  const fields = new Map<string, Value>([
    ["input", input],
    ["output", output],
    ["emitted", { kind: "record", fields: emitted }],
  ]);
  listens.hear(tree.module!.path, { kind: "record", fields });
  return output;
}

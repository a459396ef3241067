/**
 * What a definition with members must have, and may have only once. In: a definition. Out: N002 and T021 for members that
 * are declared twice, T020 for an adapter that does nothing, T025 for an optimizer without update.
 */
import { type Member, type ModuleDefinition, nearest } from "../../grammar/index.js";
import { type Context, report } from "./context.js";

/** Members without a name of their own, as written. */
const written = { delta: "delta", config: "config", load: "on load" } as const;

export function reportTwice(cx: Context, definition: ModuleDefinition): void {
  const first = new Map<string, Member>();
  for (const m of definition.members) {
    if (m.kind === "statement" || m.kind === "tune" || (m.kind === "field" && m.role === "stored" && m.value === null))
      continue;
    const named = m.kind === "field" || m.kind === "child" || m.kind === "function";
    const key = named ? `.${m.name.text}` : m.kind === "weight" ? `${m.name.text}'` : m.kind;
    const before = first.get(key);
    if (before === undefined) {
      first.set(key, m);
      continue;
    }
    const name = named ? m.name.text : m.kind === "weight" ? key : written[m.kind];
    const both = m.kind === "function" && before.kind === "function";
    const code = both || !named ? "T021" : "N002";
    report(cx, code, `\`${name}\` is declared twice in \`${definition.name.text}\``, named ? m.name.span : m.span, {
      others: [{ file: cx.file, span: "name" in before ? before.name.span : before.span, text: "first here" }],
      help: both || !named ? "keep one of the two" : "rename one of the two",
    });
  }
}

export function reportMissing(cx: Context, definition: ModuleDefinition): void {
  const functions = definition.members.filter((m) => m.kind === "function");
  const has = (name: string) => functions.some((f) => f.name.text === name);
  const { text, span } = definition.name;
  const slip = (name: string) => {
    const close = functions.find((f) => nearest(f.name.text, [name], 1).length > 0);
    return close === undefined ? null : `did you mean \`${name}\` instead of \`${close.name.text}\`?`;
  };
  if (definition.kind === "adapter") {
    const changes = definition.members.some((m) => m.kind === "delta" || m.kind === "weight" || m.kind === "tune");
    if (changes || has("update") || has("forward") || functions.some((f) => f.part)) return;
    report(cx, "T020", `the adapter \`${text}\` does nothing to its host`, span, {
      label: "no delta, weight', update, forward or part",
      help:
        slip("update") ??
        slip("forward") ??
        "say what it adds to the weight, `delta = …`, or to the output, `update(x) = …`",
    });
  } else if (definition.kind === "optimizer" && !has("update")) {
    report(cx, "T025", `the optimizer \`${text}\` has no update`, span, {
      label: "no `update` in its body",
      help: slip("update") ?? "write `update(p, g, step) = p - lr * g`",
    });
  }
}

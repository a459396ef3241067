/**
 * Values of parameters as mergekit's files have them: one value, a list of values over the depth, or a list of values with
 * filters. In: a YAML tree. Out: a setting; M003 for what is none. Source of the forms: mergekit/config.py (0.1.5).
 */
import { fail, type Span } from "../../grammar/index.js";
import type { Item, Scalar } from "./yaml.js";

export type Setting =
  | { readonly kind: "one"; readonly value: Scalar }
  /** Over the depth of the slice: numbers are interpolated, other values are steps. */
  | { readonly kind: "depth"; readonly values: readonly Scalar[]; readonly span: Span }
  | { readonly kind: "filters"; readonly cases: readonly Filter[] };

export interface Filter {
  /** A part of a tensor's name; null: all tensors. */
  readonly filter: string | null;
  readonly at: Span;
  readonly value: Setting;
}

/** Reads the value of a parameter. */
export function settingOf(file: string, name: string, item: Item): Setting {
  if (item.kind === "scalar") return { kind: "one", value: scalarOf(file, name, item) };
  if (item.kind === "map") return { kind: "filters", cases: [filterOf(file, name, item)] };
  const maps = item.items.filter((i) => i.kind === "map");
  if (maps.length === 0)
    return { kind: "depth", values: item.items.map((i) => scalarOf(file, name, i)), span: item.span };
  const odd = item.items.find((i) => i.kind !== "map");
  if (odd !== undefined)
    return fail(
      "M003",
      `the list of ${name} mixes values with filters`,
      { file, span: odd.span },
      {
        help: "write all of it as values over the depth, [0, 0.5, 1], or as `- filter: … value: …`",
      },
    );
  return { kind: "filters", cases: item.items.map((i) => filterOf(file, name, i)) };
}

function filterOf(file: string, name: string, item: Item): Filter {
  const entries = new Map((item.kind === "map" ? item.entries : []).map((e) => [e.key, e]));
  const odd = [...entries.values()].find((e) => e.key !== "filter" && e.key !== "value");
  const value = entries.get("value");
  if (odd !== undefined || value === undefined) {
    const found = odd === undefined ? "no `value`" : `\`${odd.key}\``;
    return fail("M003", `a filter of ${name} has a \`value\` and perhaps a \`filter\`, found ${found}`, {
      file,
      span: odd?.at ?? item.span,
    });
  }
  const filter = entries.get("filter");
  const written = filter?.value.kind === "scalar" ? filter.value.value : null;
  const everything = filter === undefined || written === null || written === "*";
  return {
    filter: everything ? null : String(written),
    at: filter?.value.span ?? item.span,
    value: settingOf(file, name, value.value),
  };
}

function scalarOf(file: string, name: string, item: Item): Scalar {
  if (item.kind === "scalar" && item.value !== null) return item;
  const found = item.kind === "scalar" ? "nothing" : item.kind === "map" ? "keys and values" : "a list";
  return fail(
    "M003",
    `expected a value of ${name}, found ${found}`,
    { file, span: item.span },
    {
      help: "a value is a number, a word, a list of them over the depth, or a list of filters",
    },
  );
}

/**
 * Settings become expressions. In: the settings of a parameter from the most to the least particular, and which tensors the
 * call is about. Out: the text of a number or a schedule. Filters, which are parts of names, become patterns; a list over
 * the depth becomes `by depth`, and tensors after the blocks get its first value, as mergekit has it.
 *
 * Names: inside a slice the blocks count from 0 (`layers` renumbers them), while a filter sees the number in the source
 * or in the output. With the model's names at hand a filter is tried on all of them; without, its digits are shifted.
 */
import { matchPattern, moved, type Place } from "../../compiler/places/index.js";
import { fail, nearest } from "../../grammar/index.js";
import type { Parameter } from "./methods.js";
import type { Filter, Setting } from "./setting.js";
import type { Scalar } from "./yaml.js";

/** The tensors of a call. */
export interface Target {
  readonly file: string;
  /** Places with their names in the call; null where the model is not there to look at. */
  readonly places: readonly Place[] | null;
  /** Number of blocks; null if unknown. */
  readonly layers: number | null;
  /** Whether what stands after the blocks comes from this call. */
  readonly ends: boolean;
}

/** A setting, and by how much block numbers that its filters see are larger than those in the call. */
export interface Level {
  readonly setting: Setting;
  readonly offset: number;
}

export type Value =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "depth"; readonly anchors: readonly string[] }
  | {
      readonly kind: "cases";
      readonly by: "name" | "place" | "layer";
      readonly cases: readonly Case[];
      readonly otherwise: Value | null;
    };

interface Case {
  readonly key: string;
  readonly value: Value;
}

/** The value of a parameter; null where no level says anything. */
export function settingValue(
  target: Target,
  name: string,
  parameter: Parameter,
  levels: readonly Level[],
): Value | null {
  const word = (scalar: Scalar) => wordOf(target.file, name, parameter, scalar);
  const within = (places: readonly Place[] | null, [level, ...rest]: readonly Level[]): Value | null => {
    if (level === undefined) return parameter.default === undefined ? null : text(shown(parameter, parameter.default));
    const inner = (setting: Setting, seen: readonly Place[] | null): Value | null => {
      switch (setting.kind) {
        case "one":
          return text(word(setting.value));
        case "depth":
          return setting.values.length === 0
            ? within(seen, rest)
            : alongDepth(target, seen, name, setting, setting.values.map(word));
        case "filters":
          return byFilters(setting.cases, seen);
      }
    };
    const byFilters = (filters: readonly Filter[], seen: readonly Place[] | null): Value | null => {
      const cases: Case[] = [];
      let left = seen;
      for (const filter of filters) {
        if (left !== null && left.length === 0) return closed(cases);
        if (filter.filter === null) return joined(cases, inner(filter.value, left));
        const chosen = choose(target, filter, level.offset, left);
        if (chosen === null || (left !== null && chosen.places!.length === 0)) continue;
        const value = inner(filter.value, chosen.places);
        if (value !== null) cases.push({ key: chosen.pattern, value });
        left = left === null ? null : left.filter((p) => !chosen.places!.includes(p));
      }
      return left !== null && left.length === 0 ? closed(cases) : joined(cases, within(left, rest));
    };
    return inner(level.setting, places);
  };
  return within(target.places, levels);
}

/** Cases that leave nothing over: the last one needs no pattern. */
function closed(cases: readonly Case[]): Value | null {
  const last = cases.at(-1);
  return last === undefined ? null : joined(cases.slice(0, -1), last.value);
}

function joined(cases: readonly Case[], otherwise: Value | null): Value | null {
  const inner = otherwise?.kind === "cases" && otherwise.by === "name" ? otherwise : null;
  const all = [...cases, ...(inner?.cases ?? [])].filter((c, i, cs) => cs.findIndex((d) => d.key === c.key) === i);
  const rest = inner === null ? otherwise : inner.otherwise;
  const same = rest !== null && all.every((c) => showValue(c.value) === showValue(rest));
  if (all.length === 0 || same) return rest;
  return { kind: "cases", by: "name", cases: all, otherwise: rest };
}

/** The pattern for a filter, and the places that it selects among those that are left; null where it can select none. */
function choose(
  target: Target,
  { filter, at }: Filter,
  offset: number,
  left: readonly Place[] | null,
): { pattern: string; places: readonly Place[] | null } | null {
  const part = filter!;
  const where = { file: target.file, span: at };
  if (/[*?{},]/.test(part))
    return fail(
      "M006",
      `the filter ${JSON.stringify(part)} holds a character that only patterns give a meaning`,
      where,
      {
        help: "mergekit looks for a filter as it stands inside the names: leave out *, or write the recipe's patterns by hand",
      },
    );
  const pattern = shifted(part, offset, target.layers);
  if (left === null || target.places === null) return pattern === null ? null : { pattern, places: null };
  const seen = (p: Place) => (p.layer === null ? p.name : moved(p, p.layer + offset, p.layers + offset).name);
  const all = target.places.filter((p) => seen(p).includes(part));
  const found =
    all.length === 0 ? null : [`*${part}*`, pattern].find((c) => c !== null && sameChoice(target.places!, all, c));
  if (found === undefined)
    return fail(
      "M006",
      `the filter ${JSON.stringify(part)} selects tensors that no pattern selects once blocks are renumbered`,
      where,
      {
        help: "write the filter with the whole number of the block: layers.12.",
      },
    );
  if (found === null) {
    if (offset === 0 && pattern !== null && !/\d/.test(part)) throw nothing(target, part, at);
    return null;
  }
  return { pattern: found!, places: left.filter((p) => all.includes(p)) };
}

function nothing(target: Target, part: string, span: Filter["at"]): never {
  const words = new Set(target.places!.flatMap((p) => p.name.split(".")).filter((w) => !/^\d+$/.test(w)));
  const near = nearest(part, words);
  return fail(
    "M006",
    `no tensor's name holds ${JSON.stringify(part)}`,
    { file: target.file, span },
    {
      help: near.length > 0 ? `did you mean ${near.join(" or ")}?` : "`peftc inspect` lists the names",
    },
  );
}

function sameChoice(places: readonly Place[], chosen: readonly Place[], pattern: string): boolean {
  return places.every((p) => matchPattern(pattern, p.name) === chosen.includes(p));
}

/** A filter as a pattern over names whose block numbers are smaller by `offset`; null if no block in range fits. */
export function shifted(part: string, offset: number, layers: number | null): string | null {
  const digits = /^(.*?\.|)(\d+)(\..*|)$/.exec(part);
  if (digits === null || layers === null) return `*${part}*`;
  const [, before, number, after] = digits;
  const fits = (layer: string) =>
    before === "" && after === ""
      ? layer.includes(number)
      : before === ""
        ? layer.endsWith(number)
        : after === ""
          ? layer.startsWith(number)
          : layer === number;
  const local = Array.from({ length: layers }, (_, l) => l).filter((l) => fits(String(l + offset)));
  if (local.length === 0) return null;
  const numbers = local.length === 1 ? String(local[0]) : `{${local.join(",")}}`;
  return `*${before === "" ? "." : before}${numbers}${after === "" ? "." : after}*`;
}

/** A list over the depth: numbers are interpolated, words are steps; tensors outside the blocks take the first value. */
function alongDepth(
  target: Target,
  places: readonly Place[] | null,
  name: string,
  setting: Extract<Setting, { kind: "depth" }>,
  words: readonly string[],
): Value {
  const [first] = words;
  if (words.every((w) => w === first)) return text(first);
  if (places !== null && !places.some((p) => p.layer !== null))
    return fail(
      "M007",
      `${name} is a list over the depth, but the tensors that it is for lie in no block`,
      { file: target.file, span: setting.span },
      {
        help: "give one value",
      },
    );
  const numbers = words.every((w) => Number.isFinite(Number(w)));
  if (!numbers) return steps(target, name, setting, words);
  const within: Value = { kind: "depth", anchors: words };
  const after = target.ends && words.at(-1) !== first && (places === null || places.some((p) => p.place === "after"));
  if (!after) return within;
  return { kind: "cases", by: "place", cases: [{ key: "after", value: text(first) }], otherwise: within };
}

function steps(target: Target, name: string, { span }: { span: Filter["at"] }, words: readonly string[]): Value {
  const { layers } = target;
  if (layers === null)
    return fail(
      "M007",
      `${name} changes in steps over the depth, and the model that says how many blocks there are is not here`,
      { file: target.file, span },
    );
  const at = (l: number) => words[Math.floor((layers > 1 ? l / (layers - 1) : 1) * (words.length - 1))];
  const cases: Case[] = [];
  for (let l = 0, from = 0; l < layers; l++) {
    if (l + 1 < layers && at(l + 1) === at(l)) continue;
    cases.push({ key: from === l ? String(l) : `${from}..${l + 1}`, value: text(at(l)) });
    from = l + 1;
  }
  return { kind: "cases", by: "layer", cases, otherwise: text(words[0]) };
}

function wordOf(file: string, name: string, parameter: Parameter, { value, text: written, span }: Scalar): string {
  const at = { file, span };
  if (parameter.type === "bool") {
    if (typeof value === "boolean") return shown(parameter, value);
    return fail("M003", `${name} is true or false, found ${written}`, at);
  }
  // YAML 1.1 reads 6e-3 as a text; mergekit makes a number of it.
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof number !== "number" || !Number.isFinite(number))
    return fail("M003", `${name} is a number, found ${written}`, at);
  return /^-?\d+(\.\d+)?(e[-+]?\d+)?$/.test(written) ? written : String(number);
}

/** A default or a switch as the language writes it. */
export function shown(parameter: Parameter, value: number | boolean): string {
  const words = parameter.values;
  return words !== undefined && Object.hasOwn(words, String(value)) ? words[String(value)] : String(value);
}

function text(value: string): Value {
  return { kind: "text", text: value };
}

/** A value on one line. */
export function showValue(value: Value): string {
  switch (value.kind) {
    case "text":
      return value.text;
    case "depth":
      return `by depth { ${value.anchors.join(" .. ")} }`;
    case "cases": {
      const cases = value.cases.map(
        (c) => `${value.by === "name" ? JSON.stringify(c.key) : c.key} => ${showValue(c.value)}`,
      );
      const rest = value.otherwise === null ? [] : [`else ${showValue(value.otherwise)}`];
      return `by ${value.by} { ${[...cases, ...rest].join(", ")} }`;
    }
  }
}

/** A value as lines, the cases of a schedule one below the other. */
export function linesOf(value: Value): string[] {
  if (value.kind !== "cases") return [showValue(value)];
  const width = Math.max(...value.cases.map((c) => JSON.stringify(c.key).length));
  const key = (c: Case) => (value.by === "name" ? JSON.stringify(c.key).padEnd(width) : c.key);
  return [
    `by ${value.by} {`,
    ...value.cases.map((c) => `  ${key(c)} => ${showValue(c.value)},`),
    ...(value.otherwise === null ? [] : [`  else ${showValue(value.otherwise)}`]),
    "}",
  ];
}

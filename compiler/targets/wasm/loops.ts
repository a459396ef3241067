/**
 * The loop over elements: full steps, then one step of the same code for what is left. In: the consumers of values and a
 * range. Out: statements. Where f32 is summed the range is walked in strips.
 */
import { type Code, get, i32, i32x4, type Local, local, op, repeatWhile, set, when } from "./code.js";
import { type Context, keep, type Step } from "./context.js";
import { elementValue } from "./elements.js";
import { type Reducer, stripLength } from "./reduce.js";

/** What a loop over elements does with the vectors of a value. */
export interface Consumer {
  readonly value: number;
  readonly take: (step: Step, vectors: readonly Local[]) => void;
  readonly strip: Reducer["strip"];
}

/** Statements of one step for all consumers. */
function stepCode(
  context: Context,
  consumers: readonly Consumer[],
  column: Local,
  index: Local,
  remaining: Local | null,
): Code[] {
  const out: Code[] = [];
  const masks =
    remaining === null
      ? []
      : Array.from({ length: context.vectors }, (_, g) => {
          const numbers = i32x4(4 * g, 4 * g + 1, 4 * g + 2, 4 * g + 3);
          return keep(context, out, "v128", op("i32x4.lt_s", numbers, op("i32x4.splat", get(remaining))));
        });
  const step: Step = { out, column, index, remaining, masks, values: new Map(), shared: new Map() };
  for (const consumer of consumers) consumer.take(step, elementValue(context, step, consumer.value));
  return out;
}

/** A loop over the columns (flat: elements) `begin` .. `end`; the element's number in the call is rowStart + column. */
export function elementLoop(context: Context, consumers: readonly Consumer[], begin: Code, end: Local): Code[] {
  if (consumers.length === 0) return [];
  const { fn, kernel } = context;
  const length = 4 * context.vectors;
  const column = local(fn, "i32");
  const index = kernel.flat ? column : local(fn, "i32");
  const remaining = local(fn, "i32");
  const place = kernel.flat ? [] : [set(index, op("i32.add", get(context.rowStart), get(column)))];
  const strips = consumers.flatMap((c) => (c.strip === null ? [] : [c.strip]));
  const limit = strips.length === 0 ? end : local(fn, "i32");
  const advance = set(column, op("i32.add", get(column), i32(length)));
  const full = [...place, ...stepCode(context, consumers, column, index, null), advance];
  const tail = [...place, ...stepCode(context, consumers, column, index, remaining), set(column, get(limit))];
  const run = [
    repeatWhile(op("i32.ge_u", op("i32.sub", get(limit), get(column)), i32(length)), full),
    set(remaining, op("i32.sub", get(limit), get(column))),
    when(get(remaining), tail),
  ];
  if (strips.length === 0) return [set(column, begin), ...run];
  const left = op("i32.sub", get(end), get(column));
  const isLong = op("i32.ge_u", left, i32(stripLength));
  const stripEnd: Code = {
    op: "select",
    immediates: [],
    args: [op("i32.add", get(column), i32(stripLength)), get(end), isLong],
  };
  const strip = [set(limit, stripEnd), ...strips.flatMap((s) => s.open), ...run, ...strips.flatMap((s) => s.close)];
  return [set(column, begin), repeatWhile(op("i32.lt_u", get(column), get(end)), strip)];
}

/**
 * First values of fields: functions that take their shape from the declared type. In: a call inside the value of a field.
 * Out: a tensor of that shape; T024 if no type is declared, N004, T003, T004 for arguments. `zeros`, `ones`, `uniform` and
 * `normal` are also builtins, which are told their shape: a list in the first place says that one of these is meant.
 */
import type { Expr } from "../../grammar/index.js";
import { matchArguments, type Slot } from "./arguments.js";
import { inferArguments, reportProblems } from "./calls.js";
import { type Context, onTrial, report } from "./context.js";
import { expectType } from "./mismatch.js";
import { rigid } from "./relate.js";
import type { Scope } from "./scope.js";
import { needStatic } from "./stages.js";
import { isQuiet, number, type Type, tensor } from "./types.js";

type Call = Expr & { kind: "call" };

interface Initialiser {
  /** Names of its numbers; true: may be left out. */
  readonly params: readonly (readonly [name: string, optional: boolean])[];
  readonly doc: string;
}

export const initialisers: ReadonlyMap<string, Initialiser> = new Map<string, Initialiser>([
  ["zeros", { params: [], doc: "all 0" }],
  ["ones", { params: [], doc: "all 1" }],
  ["constant", { params: [["x", false]], doc: "all x" }],
  ["identity", { params: [], doc: "1 where the last two indices are equal, else 0" }],
  // biome-ignore format: one row for each
  ["uniform", { params: [["low", true], ["high", true], ["seed", true]], doc: "evenly from [low, high)" }],
  [
    "normal",
    {
      params: [
        ["std", true],
        ["seed", true],
      ],
      doc: "from a normal distribution",
    },
  ],
  [
    "kaiming_uniform",
    {
      params: [
        ["a", true],
        ["seed", true],
      ],
      doc: "evenly, scaled by the number of inputs; a is the slope below 0",
    },
  ],
  [
    "kaiming_normal",
    {
      params: [
        ["a", true],
        ["seed", true],
      ],
      doc: "normal, scaled by the number of inputs; a is the slope below 0",
    },
  ],
  [
    "xavier_uniform",
    {
      params: [
        ["gain", true],
        ["seed", true],
      ],
      doc: "evenly, scaled by the numbers of inputs and outputs",
    },
  ],
  [
    "xavier_normal",
    {
      params: [
        ["gain", true],
        ["seed", true],
      ],
      doc: "normal, scaled by the numbers of inputs and outputs",
    },
  ],
]);

/** Whether a call of this name means an initialiser here. */
export function isInitialiser(cx: Context, scope: Scope, e: Call, name: string): boolean {
  if (cx.field === "none" || !initialisers.has(name)) return false;
  if (e.args.some((a) => a.name?.text === "shape")) return false;
  const first = e.args.at(0);
  if (first === undefined || first.name !== null || first.value === null) return true;
  const type = cx.infer(onTrial(cx), scope, first.value);
  return type.kind === "number" || (isQuiet(type) && first.value.kind !== "list");
}

/** The tensor that an initialiser makes; its shape is that of the field. */
export function callInitialiser(cx: Context, scope: Scope, e: Call, name: string): Type {
  const { params } = initialisers.get(name)!;
  const slots = params.map(([param, optional]): Slot => ({ name: param, optional, many: false }));
  const matched = matchArguments(e.args, slots);
  const used = new Set(matched.given.flat());
  matched.given.forEach((given, i) => {
    const value = given[0]?.value;
    if (!value) return;
    const what = `\`${params[i][0]}\` of \`${name}\``;
    const found = cx.infer(cx, scope, value, number("Float"));
    if (expectType(cx, scope, value, found, number("Float"), rigid(), { what, declared: null }))
      needStatic(cx, value, found, what);
  });
  inferArguments(
    cx,
    scope,
    e.args.filter((a) => !used.has(a)),
  );
  reportProblems(cx, e, matched, slots, `the initialiser \`${name}\``, null);
  if (cx.field === "untyped") {
    report(cx, "T024", `\`${name}\` takes its shape from the declared type, and this field declares none`, e.span, {
      label: "of which shape?",
      help: "write the type after the name: `param A: Tensor[rank, in] = …`",
    });
  }
  return tensor("Tensor", null, null);
}

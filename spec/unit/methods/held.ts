/**
 * Holds an adapter of an example against its golden cases. In: a case, and for each of its outputs what a recipe computes of its
 * inputs. Out: an assertion error that names the outputs which are off, and the naive results that are not.
 *
 * The tensors of the case are entries of `e`: inputs by their roles, outputs as `out.role`, naive results as `naive.role`. All distances are
 * reports of one recipe; they are shares of the largest value, as `spec/golden/methods/README.md` says.
 */
import * as assert from "uvu/assert";
import type { MethodCase } from "../arch/golden-methods.js";
import { run, runResident, type Tensor } from "../arch/run.js";

export interface Held {
  /** Definitions before the recipe. */
  readonly text: string;
  /** Statements of the recipe, after `e` is loaded. */
  readonly body?: string;
  /** Expressions for outputs, by their roles. */
  readonly found: Readonly<Record<string, string>>;
  /** Outputs that are not compared: because an exact zero gradient makes them noise, or they are said to be left out. */
  readonly without?: readonly string[];
  /** What else the recipe reports, before all comparisons. */
  readonly more?: (reported: readonly number[]) => void;
  /** Naive results that are not compared, such as those of roles in `without`. */
  readonly trivial?: readonly string[];
}

function tensors(c: MethodCase): ReadonlyMap<string, Tensor> {
  const named = (prefix: string, of: ReadonlyMap<string, Tensor>) =>
    [...of].map(([name, t]): [string, Tensor] => [`${prefix}${name}`, t.shape.length === 0 ? { ...t, shape: [1] } : t]);
  return new Map([...named("", c.inputs), ...named("out.", c.outputs), ...named("naive.", c.naive)]);
}

const away = (found: string, name: string) =>
  `report max(abs(${found} - e["${name}"])) / if_zero(max(abs(e["${name}"])), 1)`;

/** The role that a naive result stands for: `y@without scale`, or `without scale/y`. */
const roleOf = (naive: string) => (naive.includes("@") ? naive.split("@")[0] : naive.split("/").at(-1)!);

function recipeOf(c: MethodCase, held: Held) {
  const roles = [...c.outputs.keys()].filter((role) => !held.without?.includes(role));
  for (const role of roles) assert.ok(held.found[role] !== undefined, `nothing is compared with ${role} of ${c.name}`);
  const naive = [...c.naive.keys()].filter((n) => held.found[roleOf(n)] !== undefined && !held.trivial?.includes(n));
  const text = `${held.text}
recipe r {
  let e = load("case")
  ${held.body ?? ""}
  ${roles.map((role) => away(held.found[role], `out.${role}`)).join("\n  ")}
  ${naive.map((n) => away(held.found[roleOf(n)], `naive.${n}`)).join("\n  ")}
}
`;
  const judge = (all: readonly number[]) => {
    const others = all.length - roles.length - naive.length;
    assert.ok(held.more !== undefined || others === 0);
    held.more?.(all.slice(0, others));
    const reported = all.slice(others);
    const whole = (role: string) => c.outputs.get(role)!.dtype !== "F32";
    const off = roles.flatMap((role, i) =>
      reported[i] <= (whole(role) ? 0 : c.tolerance) ? [] : [`${role} is off by ${reported[i]}`],
    );
    const like = naive.flatMap((n, i) =>
      reported[roles.length + i] > 100 * c.tolerance ? [] : [`like ${n}: ${reported[roles.length + i]}`],
    );
    assert.equal([...off, ...like], [], c.name);
  };
  return { text, judge };
}

/** On the reference evaluator: forward passes. */
export function holds(c: MethodCase, held: Held): void {
  const { text, judge } = recipeOf(c, held);
  judge(run(text, { case: tensors(c) }).reported);
}

/** On the resident machine: gradients and steps of training. */
export async function holdsResident(c: MethodCase, held: Held): Promise<void> {
  const { text, judge } = recipeOf(c, held);
  judge((await runResident(text, { case: tensors(c) })).reported);
}

/** A record of entries for `with`: names of tensors and the expressions that give them. */
export const entries = (of: Readonly<Record<string, string>>) =>
  `{ ${Object.entries(of)
    .map(([name, value]) => `"${name}": ${value}`)
    .join(", ")} }`;

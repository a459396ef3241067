/**
 * Typing of `match`: what its arms tell about the value, what they give, and whether they cover everything. In: a match
 * expression. Out: the join of its arms; T010 for arms, T007 for a running subject. A match on a shape spells out `*s`
 * inside the arm, and the result is put back in terms of `*s` outside it.
 */
import type { Expr, MatchArm, MatchPattern } from "../../grammar/index.js";
import { type Context, report } from "./context.js";
import { type Constructors, type Cover, isUnreachable, listName, missing, open } from "./exhaustive.js";
import { joinAll } from "./join.js";
import { type ArmReading, readPattern } from "./match_patterns.js";
import { innerScope, type Scope } from "./scope.js";
import { type Axis, axis, rankOf, type Shape, sameAxis } from "./shape.js";
import { needStatic } from "./stages.js";
import { inferBody } from "./statements.js";
import { atPlace, isQuiet, list, none, type Type, tensor, unknown, words } from "./types.js";

type Match = Expr & { kind: "match" };

export function inferMatch(cx: Context, scope: Scope, e: Match, expected: Type | null): Type {
  const subject = atPlace(cx.infer(cx, scope, e.subject));
  needStaticSubject(cx, e.subject, subject);
  const covers: Cover[] = [];
  const results: Type[] = [];
  let sound = true;
  for (const arm of e.arms) {
    const spelt = new Map<string, Shape>();
    const inner = innerScope(scope, spelt);
    const reading: ArmReading = { cx, scope: inner, spelt, understood: true };
    const cover = readPattern(reading, arm.pattern, subject);
    sound &&= reading.understood;
    narrowSubject(cx, inner, e.subject, arm, subject, covers);
    covers.push(cover);
    results.push(putBack(inferBody(cx, inner, arm.body, expected), spelt));
  }
  if (sound) checkArms(cx, e, covers, subject);
  return joinAll(results);
}

function needStaticSubject(cx: Context, e: Expr, subject: Type): void {
  if (subject.kind === "tuple" && e.kind === "tuple") {
    for (const [i, item] of e.items.entries()) needStaticSubject(cx, item, subject.items[i] ?? unknown);
    return;
  }
  needStatic(cx, e, subject, "the subject of a `match`");
}

function checkArms(cx: Context, e: Match, covers: readonly Cover[], subject: Type): void {
  const whole = constructorsOf(subject, true);
  covers.forEach((_, i) => {
    if (!isUnreachable(covers, i, whole)) return;
    report(cx, "T010", "this arm is never reached: the arms above take everything it would", e.arms[i].pattern.span, {
      label: "never reached",
      help: "take it out, or move it up",
    });
  });
  if (isQuiet(subject)) return;
  const example = missing(covers, constructorsOf(subject, false));
  if (example === null) return;
  const first = e.subject.span;
  report(cx, "T010", `this \`match\` has no arm for ${example}`, first, {
    label: "not every value has an arm",
    help: `add \`${example} => …\`, or \`_ => …\` for all others`,
  });
}

/** `whole`: words that conditions above have ruled out count as well. */
function constructorsOf(type: Type, whole: boolean): Constructors {
  switch (type.kind) {
    case "words":
      return { all: (whole ? type.declared : type.words).map((w) => ({ name: `"${w}"`, of: [] })), lists: false };
    case "number":
      return type.of === "Bool" ? { all: ["true", "false"].map((name) => ({ name, of: [] })), lists: false } : open;
    case "optional":
      return {
        all: [
          { name: "none", of: [] },
          { name: "some", of: [constructorsOf(type.of, whole)] },
        ],
        lists: false,
      };
    case "none":
      return { all: [{ name: "none", of: [] }], lists: false };
    case "tuple":
      return { all: [{ name: "tuple", of: type.items.map((item) => constructorsOf(item, whole)) }], lists: false };
    case "list": {
      const rank = rankOf(type.lengths);
      if (rank === null) return { all: null, lists: true };
      return { all: [{ name: listName(rank), of: Array.from({ length: rank }, () => open) }], lists: true };
    }
    default:
      return open;
  }
}

/** Inside an arm the subject's name has the matched value's type. */
function narrowSubject(
  cx: Context,
  inner: Scope,
  e: Expr,
  arm: MatchArm,
  subject: Type,
  above: readonly Cover[],
): void {
  if (e.kind === "tuple" && subject.kind === "tuple") {
    const p = arm.pattern;
    if (p.kind !== "tuple") return;
    e.items.forEach((item, i) => {
      if (p.items[i] && subject.items[i])
        narrowSubject(cx, inner, item, { ...arm, pattern: p.items[i] }, subject.items[i], []);
    });
    return;
  }
  if (e.kind !== "name" && arm.pattern.kind !== "name") return;
  const rest = withoutAbove(subject, above);
  const type = arm.pattern.kind === "none" ? none : matchedType(arm.pattern, rest);
  if (arm.pattern.kind === "name" && inner.locals.has(arm.pattern.name.text)) {
    const local = inner.locals.get(arm.pattern.name.text)!;
    inner.locals.set(arm.pattern.name.text, { ...local, type: rest });
  }
  if (e.kind === "name" && !inner.locals.has(e.name.text)) inner.narrowed.set(e.name.text, type);
}

/** What is left of a type after the arms above. */
function withoutAbove(subject: Type, above: readonly Cover[]): Type {
  if (subject.kind === "optional" && above.some((c) => c.kind === "one" && c.name === "none")) return subject.of;
  if (subject.kind !== "words") return subject;
  const taken = new Set(above.map((c) => (c.kind === "one" ? c.name : "")));
  return words(
    subject.words.filter((w) => !taken.has(`"${w}"`)),
    subject.declared,
  );
}

function matchedType(p: MatchPattern, rest: Type): Type {
  if (p.kind === "wildcard") return rest;
  const inside = rest.kind === "optional" && p.kind !== "name" ? rest.of : rest;
  if (p.kind === "literal" && inside.kind === "words" && p.value.kind === "string" && p.value.parts.length === 1) {
    const word = p.value.parts[0];
    if (typeof word === "string") return words([word], inside.declared);
  }
  return inside;
}

/** A result in terms of `*s` again, where the arm has spelt it out; other lengths bound in the arm become unknown. */
function putBack(type: Type, spelt: ReadonlyMap<string, Shape>): Type {
  if (spelt.size === 0) return type;
  const axes = (shape: Shape): Shape => {
    for (const [name, of] of spelt) {
      if (shape !== null && of !== null && shape.length === of.length && shape.every((a, i) => sameAxis(a, of[i]))) {
        return [{ kind: "rest", name, reduced: null }];
      }
    }
    const inner = new Set(
      [...spelt.values()]
        .flatMap((s) => s ?? [])
        .flatMap((a) => (a.kind === "size" ? [...(a.length?.keys() ?? [])] : [])),
    );
    const leaks = (a: Axis) =>
      a.kind === "size" && a.length !== null && [...a.length.keys()].some((k) => k !== "" && inner.has(k));
    return shape?.some(leaks) ? shape.map((a) => (leaks(a) ? axis(null, null) : a)) : shape;
  };
  const visit = (t: Type): Type => {
    if (t.kind === "tensor") return tensorWith(t, axes(t.shape));
    if (t.kind === "list") return list(visit(t.of), axes(t.lengths));
    if (t.kind === "optional" || t.kind === "tree") return { ...t, of: visit(t.of) };
    if (t.kind === "tuple") return { ...t, items: t.items.map(visit) };
    if (t.kind === "record")
      return { ...t, fields: new Map([...t.fields].map(([n, f]) => [n, { ...f, type: visit(f.type) }])) };
    return t;
  };
  return visit(type);
}

function tensorWith(t: Type & { kind: "tensor" }, shape: Shape): Type {
  return { ...tensor(t.space, shape, t.dtype), order: t.order };
}

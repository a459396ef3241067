/**
 * Patterns of `match` arms. In: a pattern and the type of the value. Out: what the pattern accepts (for the check of all
 * arms together), with its names in the arm's scope; T012 for words the value cannot be, T001 for values of another kind.
 * A new name takes everything but none. A bare name that has a meaning already is a constant, and then nothing is claimed
 * about the arm.
 */
import type { MatchPattern } from "../../grammar/index.js";
import { type Context, report } from "./context.js";
import { anyCover, type Cover, listName } from "./exhaustive.js";
import { expectType } from "./mismatch.js";
import { bindPattern, declareName } from "./patterns.js";
import { symbol } from "./polynomial.js";
import { rigid } from "./relate.js";
import { declare, hasLocal, type Scope } from "./scope.js";
import { type Axis, axis, rankOf, type Shape } from "./shape.js";
import { isBool, isQuiet, list, number, type Type, unknown } from "./types.js";
import { isWordHere, wrongWord } from "./words.js";

/** One arm while its pattern is read. */
export interface ArmReading {
  readonly cx: Context;
  /** The arm's own scope. */
  readonly scope: Scope;
  /** Rests of axes that the pattern spells out; the scope's `rests`. */
  readonly spelt: Map<string, Shape>;
  /** False if something in the pattern cannot be judged. */
  understood: boolean;
}

/** Binds the names of a pattern for a value of type `subject` and says what it accepts. */
export function readPattern(arm: ArmReading, p: MatchPattern, subject: Type): Cover {
  const value =
    subject.kind === "optional" && p.kind !== "none" && p.kind !== "wildcard" && p.kind !== "name"
      ? subject.of
      : subject;
  const some = (c: Cover): Cover => (value === subject ? c : { kind: "one", name: "some", of: [c] });
  switch (p.kind) {
    case "wildcard":
      return anyCover;
    case "none":
      return { kind: "one", name: "none", of: [] };
    case "name":
      return readName(arm, p, subject);
    case "literal":
      return some(readLiteral(arm, p, value));
    case "tuple":
      return some(readTuple(arm, p, value));
    case "list":
      return some(readList(arm, p, value));
  }
}

function readName(arm: ArmReading, p: MatchPattern & { kind: "name" }, subject: Type): Cover {
  const inside = subject.kind === "optional" ? subject.of : subject;
  const { text } = p.name;
  if (inside.kind === "words" && inside.declared.includes(text) && isWordHere(arm.cx, arm.scope, text)) {
    const word: Cover = { kind: "one", name: `"${text}"`, of: [] };
    return subject.kind === "optional" ? { kind: "one", name: "some", of: [word] } : word;
  }
  const constant = arm.cx.program.table.get(arm.cx.file)?.has(text) ?? false;
  if (constant || hasLocal(arm.scope, text)) {
    arm.understood = false;
    declare(arm.scope, text, { type: unknown, span: p.span, kind: "variable" });
    return anyCover;
  }
  declareName(arm.cx, arm.scope, p.name, inside, "variable");
  return subject.kind === "optional" ? { kind: "one", name: "some", of: [anyCover] } : anyCover;
}

function readLiteral(arm: ArmReading, p: MatchPattern & { kind: "literal" }, subject: Type): Cover {
  const found = arm.cx.infer(arm.cx, arm.scope, p.value, subject);
  const e = p.value;
  const text = e.kind === "string" && e.parts.every((part) => typeof part === "string") ? e.parts.join("") : null;
  if (text !== null && subject.kind === "words" && !subject.declared.includes(text)) {
    wrongWord(arm.cx, text, p.span, subject.declared);
    arm.understood = false;
    return anyCover;
  }
  if (
    !expectType(arm.cx, arm.scope, e, found, comparable(subject), rigid(), {
      what: "the value matched",
      declared: null,
    })
  )
    arm.understood = false;
  if (text !== null) return { kind: "one", name: `"${text}"`, of: [] };
  if (e.kind === "bool") return { kind: "one", name: `${e.value}`, of: [] };
  if (e.kind === "number") return { kind: "one", name: `${e.value}`, of: [] };
  arm.understood = false;
  return anyCover;
}

function readTuple(arm: ArmReading, p: MatchPattern & { kind: "tuple" }, subject: Type): Cover {
  if (subject.kind !== "tuple" || subject.items.length !== p.items.length) {
    bindPattern(
      arm.cx,
      arm.scope,
      { kind: "tuple", items: p.items.map(() => ({ kind: "wildcard", span: p.span })), span: p.span },
      subject,
      "variable",
    );
    for (const item of p.items) readPattern(arm, item, unknown);
    arm.understood = false;
    return anyCover;
  }
  return { kind: "one", name: "tuple", of: p.items.map((item, i) => readPattern(arm, item, subject.items[i])) };
}

function readList(arm: ArmReading, p: MatchPattern & { kind: "list" }, subject: Type): Cover {
  if (subject.kind !== "list" && !isQuiet(subject)) {
    report(arm.cx, "T001", "a pattern [a, b] takes a shape or list apart", p.span, { help: "match on shape(x)" });
    arm.understood = false;
  }
  const lengths = subject.kind === "list" ? subject.lengths : null;
  const element = subject.kind === "list" ? subject.of : unknown;
  const axes: Axis[] = [];
  const covers = p.items.map((item, i) => readListItem(arm, item, element, elementAxis(lengths, i), axes));
  if (p.rest !== null) {
    declareName(arm.cx, arm.scope, p.rest, subject.kind === "list" ? list(element) : unknown, "variable");
    return { kind: "long", least: p.items.length, of: covers };
  }
  spell(arm, lengths, axes);
  return { kind: "one", name: listName(p.items.length), of: covers };
}

/** An element of a shape: a new name becomes a length. */
function readListItem(arm: ArmReading, item: MatchPattern, element: Type, known: Axis | null, axes: Axis[]): Cover {
  const isLength = element.kind === "number" && element.of === "Int";
  if (item.kind !== "name" || !isLength || hasLocal(arm.scope, item.name.text)) {
    const cover = readPattern(arm, item, element);
    const value = item.kind === "literal" ? arm.cx.program.types.get(item.value) : undefined;
    axes.push(axis(value?.kind === "number" ? value.value : null));
    return cover;
  }
  const { text, span } = item.name;
  const length = known?.kind === "size" && known.length !== null ? known.length : symbol(text);
  if (!arm.cx.origins.has(text)) arm.cx.origins.set(text, span);
  declareName(arm.cx, arm.scope, item.name, number("Int", "static", length), "dimension");
  axes.push({ kind: "size", length, name: text });
  return anyCover;
}

function spell(arm: ArmReading, lengths: Shape, axes: readonly Axis[]): void {
  if (lengths === null || lengths.length !== 1 || lengths[0].kind !== "rest" || lengths[0].reduced !== null) return;
  arm.spelt.set(lengths[0].name, axes);
}

function elementAxis(lengths: Shape, i: number): Axis | null {
  return rankOf(lengths) !== null ? (lengths![i] ?? null) : null;
}

/** The type a literal of a pattern has to fit. */
function comparable(subject: Type): Type {
  return subject.kind === "number" && !isBool(subject) ? number("Float") : subject;
}

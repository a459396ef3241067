/**
 * The typed tree as text (`emit --stage typed`): every definition with its signature and the type of each name that its
 * body binds. In: a checked file. Out: lines to read; nothing parses them back.
 */
import type {
  Block,
  Definition,
  Expr,
  File,
  ModuleDefinition,
  Param,
  Pattern,
  Statement,
} from "../../grammar/index.js";
import type { CheckResult } from "./check.js";
import type { Meaning } from "./meaning.js";
import type { Known } from "./modules.js";
import { type Stage, showType, type Type, unknown } from "./types.js";

/** A type with the stage of its number, where it is known. */
function withStage(type: Type): string {
  const stage: Stage = type.kind === "number" ? type.stage : "unknown";
  return stage === "unknown" ? showType(type) : `${stage} ${showType(type)}`;
}

function showPattern(p: Pattern): string {
  if (p.kind === "name") return p.name.text;
  if (p.kind === "wildcard") return "_";
  if (p.kind === "tuple") return `(${p.items.map(showPattern).join(", ")})`;
  return `{ ${p.fields.map((field) => `${field.name.text}: ${showPattern(field.pattern)}`).join(", ")} }`;
}

/** Prints the definitions of a file with what the checker knows about them. */
export function printTyped(file: File, result: CheckResult): string {
  const typeOf = (e: Expr): Type => result.typeOf(e) ?? unknown;
  const lines: string[] = [];

  const block = (b: Block, indent: string): void => {
    for (const s of b.statements) statement(s, indent);
  };
  const statement = (s: Statement, indent: string): void => {
    switch (s.kind) {
      case "let":
        for (const b of s.bindings) lines.push(`${indent}let ${showPattern(b.pattern)}: ${withStage(typeOf(b.value))}`);
        return;
      case "input":
        lines.push(`${indent}input ${s.name.text}${s.default ? `: ${withStage(typeOf(s.default))}` : ""}`);
        return;
      case "assign":
        lines.push(`${indent}${s.name.text} <- ${withStage(typeOf(s.value))}`);
        return;
      case "emit":
        lines.push(`${indent}emit ${s.name.text}: ${withStage(typeOf(s.value))}`);
        return;
      case "loss":
        lines.push(`${indent}loss ${withStage(typeOf(s.value))}`);
        return;
      case "return":
        lines.push(`${indent}return ${withStage(typeOf(s.value))}`);
        return;
      case "report":
        lines.push(`${indent}report ${withStage(typeOf(s.value))}`);
        return;
      case "expression":
        lines.push(`${indent}${withStage(typeOf(s.value))}`);
        return;
      case "if":
        lines.push(`${indent}if ${withStage(typeOf(s.condition))}`);
        block(s.then, `${indent}  `);
        if (s.else) {
          lines.push(`${indent}else`);
          block(s.else, `${indent}  `);
        }
        return;
    }
  };
  const params = (all: readonly Param[], types: readonly Type[]): string =>
    all
      .map((p, i) => `${showPattern(p.pattern)}: ${showType(types[i] ?? unknown)}${p.default ? " = …" : ""}`)
      .join(", ");

  const members = (d: ModuleDefinition, meaning: Meaning | null): void => {
    for (const m of d.members) {
      if (m.kind === "statement") statement(m.statement, "  ");
      else if (m.kind === "field" || m.kind === "child") {
        const type = meaning?.fields.get(m.name.text) ?? unknown;
        lines.push(`  ${m.kind === "field" ? m.role : "child"} ${m.name.text}: ${showType(type)}`);
      } else if (m.kind === "function") {
        const f = meaning?.functions.get(m.name.text);
        const types = f?.signature.params.map((p) => p.type) ?? [];
        lines.push(`  ${m.name.text}(${params(m.params, types)}) -> ${showType(f?.result ?? unknown)}`);
        block(m.body, "    ");
      } else if (m.kind === "load") block(m.body, "    ");
      else lines.push(`  ${m.kind}: ${showType(typeOf(m.value))}`);
    }
  };

  const definition = (d: Definition): void => {
    const known: Known = { definition: d, file: file.path, use: null };
    if (d.kind === "record") {
      lines.push(`record ${d.name.text}`);
      return;
    }
    if (d.kind === "recipe") lines.push(`recipe ${d.name.text}`);
    else {
      const types = result.signatureOf(known)?.params.map((p) => p.type) ?? [];
      lines.push(`${d.kind} ${d.name.text}(${params(d.params, types)}) -> ${showType(result.resultOf(known))}`);
    }
    if ("members" in d) members(d, result.meaningOf(known));
    else block(d.body, "  ");
  };
  for (const d of file.definitions) definition(d);
  return lines.map((line) => `${line}\n`).join("");
}

/**
 * Text to plan. In: the path of a `.peft` file, the recipe's name and values for its inputs. Out: the plan of the
 * recipe, or every mistake that can be found without reading a weight: in the text, in the values, in the headers of
 * the checkpoints.
 */
import * as path from "node:path";
import type { CheckResult } from "../../compiler/check/index.js";
import { elaborate, type Known, type Plan } from "../../compiler/elaborate/index.js";
import { type Diagnostic, diagnostic, type File, nearest, type RecipeDefinition } from "../../grammar/index.js";
import type { Checkpoint } from "../checkpoint/index.js";
import { checkpointHost } from "./host.js";
import { type CheckedProgram, checkProgram, inOrder } from "./program.js";
import { rangeProblems } from "./ranges.js";
import { inputNames, readSettings, type Setting } from "./settings.js";

export interface CompileOptions {
  /** Path of the `.peft` file. */
  readonly file: string;
  /** Name of the recipe; needed when the file has several. */
  readonly recipe?: string | null;
  readonly set: readonly Setting[];
}

export interface Compiled {
  readonly file: string;
  /** The text of `file`. */
  readonly text: string;
  /** By the names in diagnostics. */
  readonly texts: ReadonlyMap<string, string>;
  /** Parsed files, the program's own first. */
  readonly files: ReadonlyMap<string, File>;
  readonly diagnostics: readonly Diagnostic[];
  /** Of the first phase, if the recipe has several; null after an error. */
  readonly plan: Plan | null;
  /** Number of the phase that the plan is, from 1. */
  readonly phase: number;
  /** Compiles the next phase with what this one reported, in the order of its wishes. */
  next(reports: readonly Known[]): Compiled;
  readonly recipe: RecipeDefinition | null;
  /** By the `source` of input nodes. */
  readonly checkpoints: ReadonlyMap<string, Checkpoint>;
  /** Types, for `emit --stage typed`; null when the file could not be read. */
  readonly checked: CheckResult | null;
}

/** Compiles one recipe of a file. A file without one is an error here (C004); see `checkFile`. */
export function compileFile(options: CompileOptions): Compiled {
  const program = checkProgram(options.file);
  if (program.checked === null) return withoutPlan(program, []);
  const chosen = chooseRecipe(program, options.recipe ?? null);
  if (chosen.recipe === null) return withoutPlan(program, chosen.diagnostics);
  return compileRecipe(program, chosen.recipe, options.set);
}

/** What `check` finds. */
export interface Checked {
  readonly texts: ReadonlyMap<string, string>;
  readonly diagnostics: readonly Diagnostic[];
  readonly definitions: number;
  /** Names of the recipes whose checkpoints were looked at. */
  readonly recipes: readonly string[];
}

/** Checks a file with all its recipes, or the named one. Values go to the recipes that have such an input. */
export function checkFile(options: CompileOptions): Checked {
  const program = checkProgram(options.file);
  const wanted = options.recipe ?? null;
  const chosen = wanted === null ? { recipe: null, diagnostics: [] } : chooseRecipe(program, wanted);
  const recipes = chosen.recipe !== null ? [chosen.recipe] : wanted === null ? program.recipes : [];
  const declared = new Set(recipes.flatMap(inputNames));
  const compiled = recipes.map((recipe, i) => {
    const own = new Set(inputNames(recipe));
    // A value that no recipe has an input for is the first one's mistake.
    return compileRecipe(
      program,
      recipe,
      options.set.filter(({ name }) => own.has(name) || (i === 0 && !declared.has(name))),
      true,
    );
  });
  return {
    texts: new Map([...program.texts, ...compiled.flatMap((c) => [...c.texts])]),
    diagnostics: distinct([...program.diagnostics, ...chosen.diagnostics, ...compiled.flatMap((c) => c.diagnostics)]),
    definitions: program.files.get(program.file)?.definitions.length ?? 0,
    recipes: compiled.flatMap((c) => (c.plan === null ? [] : [c.plan.recipe])),
  };
}

/** `quick`: only its mistakes are wanted. */
function compileRecipe(
  program: CheckedProgram,
  recipe: RecipeDefinition,
  set: readonly Setting[],
  quick = false,
): Compiled {
  const settings = readSettings(recipe, set, process.cwd());
  const { texts } = program;
  if (settings.text !== "") program.addText(settings.file, settings.text);
  const before = [...program.diagnostics, ...settings.diagnostics];
  const base = { ...withoutPlan(program, settings.diagnostics), texts, recipe };
  if (before.some((d) => d.severity === "error")) return base;
  const host = checkpointHost(path.dirname(program.file));
  return compilePhase(1, new Map());

  function compilePhase(phase: number, known: ReadonlyMap<string, Known>): Compiled {
    const elaborated = elaborate({
      recipe,
      file: program.file,
      texts,
      definitions: program.definitions,
      host,
      inputs: settings.values,
      quick,
      known,
    });
    const unfit = elaborated.plan === null ? [] : rangeProblems(elaborated.plan);
    const found = [...before, ...elaborated.diagnostics, ...host.warnings, ...unfit];
    return {
      ...base,
      diagnostics: inOrder(distinct(found), [...texts.keys()]),
      plan: unfit.length > 0 ? null : elaborated.plan,
      checkpoints: host.checkpoints,
      phase,
      next: (reports) =>
        compilePhase(
          phase + 1,
          new Map([...known, ...(elaborated.plan?.wishes ?? []).map((w, i) => [w.key, reports[i]] as const)]),
        ),
    };
  }
}

function withoutPlan(program: CheckedProgram, more: readonly Diagnostic[]): Compiled {
  return {
    file: program.file,
    text: program.text,
    texts: program.texts,
    files: program.files,
    diagnostics: [...program.diagnostics, ...more],
    plan: null,
    recipe: null,
    checkpoints: new Map(),
    checked: program.checked,
    phase: 1,
    next: () => withoutPlan(program, more),
  };
}

interface Choice {
  readonly recipe: RecipeDefinition | null;
  readonly diagnostics: readonly Diagnostic[];
}

function chooseRecipe({ file, recipes }: CheckedProgram, name: string | null): Choice {
  const none = (code: string, message: string, help: string | null): Choice => ({
    recipe: null,
    diagnostics: [diagnostic(code, message, { file, span: null }, { help })],
  });
  const names = recipes.map((recipe) => recipe.name.text);
  if (recipes.length === 0) return none("C004", "the file has no recipe to run", "add one: recipe name { … }");
  if (name === null) {
    if (recipes.length === 1) return { recipe: recipes[0], diagnostics: [] };
    return none(
      "C002",
      `the file has ${recipes.length} recipes: ${names.join(", ")}`,
      `choose one: --recipe ${names[0]}`,
    );
  }
  const recipe = recipes.find((r) => r.name.text === name);
  if (recipe !== undefined) return { recipe, diagnostics: [] };
  const close = nearest(name, names);
  return none(
    "C003",
    `the file has no recipe ${JSON.stringify(name)}`,
    close.length > 0 ? `did you mean ${close[0]}?` : `it has ${names.join(", ")}`,
  );
}

/** Each diagnostic once: recipes of one file share its warnings. */
function distinct(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<string>();
  return diagnostics.filter(({ code, message, primary }) => {
    const key = JSON.stringify([code, message, primary.file, primary.span]);
    return !seen.has(key) && seen.add(key);
  });
}

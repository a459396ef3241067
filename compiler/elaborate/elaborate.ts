/**
 * Elaboration of a recipe: its statements run once, with models as trees of graph nodes. In: the recipe, the
 * definitions it can see, the host that opens headers, and the values of its inputs. Out: the plan, a list of saves and
 * reports over one graph. A failed binding poisons its name and the rest goes on, so that one run shows all mistakes.
 */
import type { Diagnostic, Expr, Pattern, RecipeDefinition, Statement } from "../../grammar/index.js";
import { diagnostic, nearest, PeftError } from "../../grammar/index.js";
import { createGraph, type Graph, type Node } from "../ir/index.js";
import { refuseBare } from "./bare-hosts.js";
import { type Context, Poisoned, step, stop } from "./context.js";
import { evaluate, truth } from "./evaluate.js";
import type { Known, Wish } from "./phases.js";
import { unreportable } from "./reportable.js";
import { wordOr } from "./selectors.js";
import type { Definitions, Host, LiftedCall, ModelHeader, Report, Save, Session } from "./session.js";
import { bind, evaluateStatement } from "./statements.js";
import { coerce } from "./types.js";
import { parts, text, type Value } from "./value.js";

/** Everything that a run needs to know, before any weight is read. */
export interface Plan {
  readonly recipe: string;
  readonly seed: number;
  readonly graph: Graph;
  readonly loads: readonly ModelHeader[];
  readonly columns: Session["columns"];
  readonly ranges: Session["ranges"];
  readonly lifts: readonly LiftedCall[];
  readonly saves: readonly Save[];
  readonly reports: readonly Report[];
  readonly requirements: Session["requirements"];
  /** Paths of random draws and at how many places each is drawn. */
  readonly draws: ReadonlyMap<string, number>;
  /** What this phase computes for `static`: its saves are empty, its reports are these. None in the last phase. */
  readonly wishes: readonly Wish[];
  /** Inputs as text: what was given or the default. */
  readonly settings: ReadonlyMap<string, string>;
}

export interface ElaborateRequest {
  readonly recipe: RecipeDefinition;
  readonly file: string;
  readonly texts: ReadonlyMap<string, string>;
  readonly definitions: Definitions;
  readonly host: Host;
  /** Values for `input`s: the parsed expression, or plain text for String and Path. */
  /** Only mistakes are wanted, the plan is not run (`peftc check`). */
  readonly quick?: boolean;
  /** What earlier phases computed. */
  readonly known?: ReadonlyMap<string, Known>;
  readonly inputs: ReadonlyMap<string, { readonly text: string; readonly expr: Expr | null; readonly file: string }>;
}

export interface Elaborated {
  readonly plan: Plan | null;
  readonly diagnostics: readonly Diagnostic[];
}

export function elaborate(request: ElaborateRequest): Elaborated {
  const { recipe, file } = request;
  const diagnostics: Diagnostic[] = [];
  const graph = createGraph();
  const session: Session = {
    host: request.host,
    definitions: request.definitions,
    graph,
    quick: request.quick === true,
    seed: seedOf(request, diagnostics),
    texts: request.texts,
    warnings: [],
    loads: [],
    columns: new Map(),
    ranges: [],
    saves: [],
    reports: [],
    lifts: [],
    draws: new Map(),
    requirements: [],
    known: request.known ?? new Map(),
    wishes: [],
    matches: new Map(),
  };
  const context: Context = {
    session,
    graph,
    file,
    names: { own: new Map(), outer: null },
    here: null,
    selector: false,
    frame: { path: "", counts: new Map() },
    calls: [],
    recipe: true,
    build: null,
    losses: [],
    loop: null,
  };
  const settings = new Map<string, string>();
  const declared = new Set<string>();
  const attempt = (names: readonly string[], work: () => void) => {
    try {
      work();
    } catch (error) {
      if (error instanceof PeftError) diagnostics.push(...error.diagnostics);
      else if (!(error instanceof Poisoned)) throw error;
      for (const name of names) if (!context.names.own.has(name)) context.names.own.set(name, { kind: "poison" });
    }
  };
  const run = (statements: readonly Statement[]): void => {
    for (const statement of statements) {
      attempt(boundNames(statement), () => {
        if (statement.kind === "input") {
          declared.add(statement.name.text);
          input(context, statement, request, settings);
        } else if (statement.kind === "report") report(context, statement);
        else if (statement.kind === "if") {
          const branch = truth(context, evaluate(context, statement.condition), statement.condition.span)
            ? statement.then
            : statement.else;
          if (branch !== null) run(branch.statements);
        } else if (statement.kind === "return")
          stop(context, "T014", "a recipe returns nothing", statement.span, { help: "save or report the value" });
        else if (statement.kind === "let" || statement.kind === "expression") evaluateStatement(context, statement);
      });
    }
  };
  run(recipe.body.statements);
  for (const [name] of request.inputs) {
    if (declared.has(name)) continue;
    const near = nearest(name, [...declared]);
    diagnostics.push(
      diagnostic(
        "R015",
        `the recipe ${recipe.name.text} has no input ${name}`,
        { file, span: recipe.name.span },
        {
          help:
            near.length > 0
              ? `did you mean ${near[0]}?`
              : declared.size === 0
                ? "declare it: `input name: Type = value`"
                : `its inputs are ${[...declared].join(", ")}`,
        },
      ),
    );
  }
  const { wishes } = session;
  if (diagnostics.length === 0 && wishes.length === 0 && session.saves.length === 0 && session.reports.length === 0) {
    diagnostics.push(
      diagnostic(
        "R016",
        `the recipe ${recipe.name.text} neither saves nor reports anything`,
        { file, span: recipe.name.span },
        { help: 'end it with save(model, to = "out")' },
      ),
    );
  }
  const failed = diagnostics.some((d) => d.severity === "error");
  const plan: Plan | null = failed
    ? null
    : {
        recipe: recipe.name.text,
        seed: session.seed,
        graph,
        loads: session.loads,
        columns: session.columns,
        ranges: session.ranges,
        lifts: session.lifts,
        saves: wishes.length > 0 ? [] : session.saves,
        reports: wishes.length > 0 ? wishes : session.reports,
        wishes,
        requirements: session.requirements,
        draws: session.draws,
        settings,
      };
  return { plan, diagnostics: [...diagnostics, ...session.warnings] };
}

function seedOf(request: ElaborateRequest, diagnostics: Diagnostic[]): number {
  for (const option of request.recipe.options) {
    if (option.name?.text === "seed" && option.value?.kind === "number" && option.value.integer)
      return option.value.value;
    diagnostics.push(
      diagnostic(
        "R017",
        "a recipe has one option: seed, a whole number",
        { file: request.file, span: option.span },
        { help: "write recipe name(seed = 7) { .. }" },
      ),
    );
  }
  return 0;
}

function boundNames(statement: Statement): string[] {
  if (statement.kind === "input") return [statement.name.text];
  if (statement.kind !== "let") return [];
  const names: string[] = [];
  const visit = (pattern: Pattern): void => {
    if (pattern.kind === "name") names.push(pattern.name.text);
    if (pattern.kind === "tuple") pattern.items.forEach(visit);
    if (pattern.kind === "record") for (const field of pattern.fields) visit(field.pattern);
  };
  for (const binding of statement.bindings) visit(binding.pattern);
  return names;
}

function input(
  context: Context,
  statement: Extract<Statement, { kind: "input" }>,
  request: ElaborateRequest,
  settings: Map<string, string>,
): void {
  const name = statement.name.text;
  const given = request.inputs.get(name);
  const blame = { file: context.file, span: statement.span };
  let value: Value;
  if (given !== undefined) {
    const textual = statement.type?.kind === "named" && ["String", "Path"].includes(statement.type.name.text);
    if (textual || given.expr === null) value = text(given.text);
    else value = wordOr({ ...context, file: given.file, names: { own: new Map(), outer: null } }, given.expr);
    settings.set(name, given.text);
  } else if (statement.default !== null) {
    value = evaluate(context, statement.default);
    settings.set(name, sourceOf(context, statement.default));
  } else {
    return stop(context, "R018", `the input ${name} has no default and no value`, statement.span, {
      help: `run with --set ${name}=VALUE`,
    });
  }
  const what = given === undefined ? `the input ${name}` : `the input ${name}, which --set gives,`;
  bind(
    context,
    { kind: "name", name: statement.name, span: statement.name.span },
    statement.type === null ? value : coerce(context, value, statement.type, blame, what),
  );
}

function report(context: Context, statement: Extract<Statement, { kind: "report" }>): void {
  const label = sourceOf(context, statement.value);
  const value = evaluate(step(context, `report ${context.session.reports.length}`), statement.value);
  const problem = unreportable(value, context.session.columns);
  if (problem !== null)
    return stop(context, "R019", `${problem} cannot be reported`, statement.value.span, {
      help: "report numbers, text, lists and records of them, or a tree of numbers",
    });
  refuseBare(context, nodesIn(value), statement.value.span);
  context.session.reports.push({ label, value });
}

/** The nodes of all tensors in a value. */
function nodesIn(value: Value): Node[] {
  return [...parts(value)].flatMap((v) => {
    if (v.kind === "tensor") return [v.node];
    return v.kind === "tree" ? [...v.leaves.values()].flatMap((leaf) => nodesIn(leaf.value)) : [];
  });
}

function sourceOf(context: Context, expr: Expr): string {
  return (context.session.texts.get(context.file) ?? "").slice(expr.span.start, expr.span.end);
}

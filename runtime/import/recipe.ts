/**
 * Merges become the text of a recipe. In: what was read of a mergekit file, the table of methods, and where the models and
 * the recipe lie. Out: a recipe as a person would write it, and what it does otherwise than the file says.
 */
import * as path from "node:path";
import { moved } from "../../compiler/places/index.js";
import { type Diagnostic, diagnostic, fail, type Span } from "../../grammar/index.js";
import { type Facts, factsOf } from "./facts.js";
import { type Argument, namer, quoted } from "./layout.js";
import type { Merge, ModelRef, Slice, Source } from "./mergekit.js";
import type { Method, MethodTable, Parameter } from "./methods.js";
import { layParts, moveInto, type Part } from "./parts.js";
import { type Level, settingValue, shown, showValue, type Target, type Value } from "./values.js";
import { alignment } from "./vocabulary.js";

export interface RecipeOptions {
  /** The file that is imported. */
  readonly file: string;
  /** The folder of the recipe: paths are written relative to it. */
  readonly folder: string;
  /** Cut all vocabularies to the smallest one. */
  readonly truncate: boolean;
}

export interface Written {
  readonly text: string;
  readonly notes: readonly Diagnostic[];
}

/** Names that a recipe uses itself. */
const reserved =
  "if then else match for let return true false none and or not recipe use load save layers merged align rounded cut_vocabulary fuse attach load_adapter here by in";

/** Writes the recipe of all merges of a file, the ones that others use first. */
export function writeRecipe(merges: readonly Merge[], table: MethodTable, options: RecipeOptions): Written {
  return new Writer(merges, table, options).write();
}

class Writer {
  private readonly notes: Diagnostic[] = [];
  private readonly variables = new Map<string, string>();
  private readonly facts = new Map<string, Facts | null>();
  private readonly loads: string[] = [];
  private readonly uses = new Set<string>();
  private readonly name: (text: string) => string;

  constructor(
    private readonly merges: readonly Merge[],
    private readonly table: MethodTable,
    private readonly options: RecipeOptions,
  ) {
    this.name = namer([...reserved.split(" "), ...[...table.methods.values()].map((m) => m.use)]);
  }

  write(): Written {
    const ordered = this.inOrder();
    const used = new Set(ordered.flatMap((m) => this.refsOf(m).map((r) => r.path)));
    const outputs = ordered.filter((m) => m.name === null || !used.has(m.name));
    const body = ordered.flatMap((merge) => this.mergeLines(merge, outputs));
    const uses = [...this.uses].sort();
    const lines = [
      ...(uses.length > 0 ? [`use std.merge.{${uses.join(", ")}}`, ""] : []),
      `recipe ${this.recipeName()} {`,
      ...[...this.loads, "", ...body].map((l) => (l === "" ? "" : `  ${l}`)),
      "}",
      "",
    ];
    return { text: lines.join("\n"), notes: this.notes };
  }

  /** Merges after those that they use. */
  private inOrder(): Merge[] {
    const named = new Map<string, Merge>();
    for (const merge of this.merges) {
      if (merge.name === null) continue;
      if (named.has(merge.name)) this.stop("M005", `two merges are named ${JSON.stringify(merge.name)}`, merge.at);
      named.set(merge.name, merge);
    }
    if (this.merges.filter((m) => m.name === null).length > 1)
      this.stop("M005", "several merges have no name", this.merges.at(-1)!.at, "give all but the last one a `name:`");
    const done = new Set<Merge>();
    const open = new Set<Merge>();
    const visit = (merge: Merge): void => {
      if (done.has(merge)) return;
      if (open.has(merge)) this.stop("M005", `the merge ${JSON.stringify(merge.name)} needs itself`, merge.at);
      open.add(merge);
      for (const ref of this.refsOf(merge)) if (named.has(ref.path)) visit(named.get(ref.path)!);
      done.add(merge);
    };
    for (const merge of this.merges) visit(merge);
    return [...done];
  }

  private refsOf(merge: Merge): ModelRef[] {
    const own = merge.slices.flatMap((s) => [...(s.base === null ? [] : [s.base]), ...s.sources.map((x) => x.model)]);
    return merge.base === null ? own : [merge.base, ...own];
  }

  private mergeLines(merge: Merge, outputs: readonly Merge[]): string[] {
    const method = this.table.methods.get(merge.method)!;
    const refs = distinct(this.refsOf(merge));
    for (const ref of refs) this.variable(ref);
    const moved = this.vocabulary(merge, refs);
    let offset = 0;
    const parts = merge.slices.map((slice, i): Part => {
      const part = this.part(merge, method, slice, offset, i === merge.slices.length - 1, moved.names);
      offset += slice.sources[0].range === null ? 0 : slice.sources[0].range[1] - slice.sources[0].range[0];
      return part;
    });
    if (method.random === true)
      this.note(
        "M011",
        "`merge_method` draws other entries than mergekit does: the seed of the recipe decides",
        merge.at,
      );
    const isOutput = outputs.includes(merge);
    const variable = merge.name === null ? "merged" : this.name(merge.name);
    const donor = this.keyOf(parts[0].donor);
    const lines = [...moved.lines, ...layParts(variable, parts, this.name)];
    const stored = merge.outDtype ?? merge.dtype ?? "f32";
    if (isOutput || stored === "f32") {
      if (merge.name !== null) this.remember(merge, variable, parts);
    } else {
      // mergekit writes what others use to the disk, in its dtype.
      const rounded = this.name(`${variable}_${stored}`);
      lines.push(`let ${rounded} = rounded(${variable}, ${stored})`);
      this.remember(merge, rounded, parts);
    }
    if (!isOutput) return [...lines, ""];
    return [...lines, "", this.saveLine(merge, variable, donor, moved.names)];
  }

  private saveLine(merge: Merge, variable: string, donor: string, names: ReadonlyMap<string, string>): string {
    const dtype = merge.outDtype ?? merge.dtype;
    const stored = this.facts.get(donor)?.dtypes;
    const same =
      stored !== undefined && stored !== null && stored.size === 1 && stored.has((dtype ?? "").toUpperCase());
    const base = merge.base;
    const config =
      base !== null && this.keyOf(base) !== donor ? `, config = ${moveInto(names, this.variable(base))}` : "";
    if (dtype !== null && dtype !== "f32" && (merge.dtype ?? "f32") === dtype)
      this.note(
        "M011",
        "`dtype` is that of the inputs and the output: in between, everything is computed in f32",
        merge.at,
      );
    const to = merge.name === null ? "merged" : merge.name.replace(/[^\w.-]+/g, "-");
    return `save(${variable}, to = ${quoted(to)}${dtype === null || same ? "" : `, dtype = ${dtype}`}${config})`;
  }

  /** A named merge is a model for the others. */
  private remember(merge: Merge, variable: string, parts: readonly Part[]): void {
    const key = JSON.stringify([merge.name, null, null]);
    this.variables.set(key, variable);
    this.facts.set(key, merge.sliced ? null : (this.facts.get(this.keyOf(parts[0].donor)) ?? null));
  }

  /** Tables of tokens that have to be cut or put in one order before the merge. */
  private vocabulary(merge: Merge, refs: readonly ModelRef[]): { lines: string[]; names: ReadonlyMap<string, string> } {
    const none = { lines: [], names: new Map<string, string>() };
    if (merge.tokens !== null)
      return alignment(
        merge,
        refs.map((r) => ({ ref: r, name: this.variable(r), key: this.keyOf(r) })),
        (r) => this.keyOf(r),
        this.options.file,
      );
    if (!this.options.truncate) return none;
    const rows = refs.map((r) => this.facts.get(this.keyOf(r))?.vocabulary ?? null);
    if (rows.some((r) => r === null))
      return this.stop(
        "M009",
        "to cut vocabularies to the smallest one, all models have to be there to look at",
        merge.at,
      );
    const least = Math.min(...(rows as number[]));
    const names = new Map<string, string>();
    const lines = refs.flatMap((ref, i) => {
      if (rows[i] === least) return [];
      const name = this.name(`${this.variable(ref)}_cut`);
      names.set(this.variable(ref), name);
      return [`let ${name} = cut_vocabulary(${this.variable(ref)}, ${least})`];
    });
    if (lines.length > 0) this.uses.add("cut_vocabulary");
    return { lines: lines.length > 0 ? [...lines, ""] : [], names };
  }

  private part(
    merge: Merge,
    method: Method,
    slice: Slice,
    offset: number,
    last: boolean,
    names: ReadonlyMap<string, string>,
  ): Part {
    const base = slice.base ?? merge.base;
    const { models, first } = this.inputs(merge, method, slice, base);
    const argument = (s: Source) => this.modelText(s, merge.sliced && merge.slices.length > 0, names);
    const main = method.base === "first" ? first! : models[0];
    const target = this.target(main, last);
    const level = (s: Source | null, name: string, shift: number): Level[] =>
      [...(s === null ? [] : [s.parameters]), slice.parameters, ...merge.parameters].flatMap((p) => {
        const found = p.get(name);
        return found === undefined ? [] : [{ setting: found.setting, offset: shift }];
      });
    const args: Argument[] = [];
    if (method.base === "first") args.push({ name: null, value: argument(first!) });
    const listed = models.map(argument);
    args.push({ name: null, value: method.models === "one" ? listed[0] : `[${listed.join(", ")}]` });
    for (const [name, parameter] of Object.entries(method.each ?? {})) {
      const values = models.map((s) =>
        this.needed(merge, name, s, settingValue(target, name, parameter, level(s, name, s.range?.[0] ?? 0))),
      );
      if (!values.every((v) => isStandard(parameter, v)))
        args.push({ name: parameter.as, value: method.models === "one" ? values[0] : values });
    }
    if (method.base === "named" && first !== null) args.push({ name: "base", value: argument(first) });
    for (const [name, parameter] of Object.entries(method.all ?? {})) {
      const value = this.needed(merge, name, null, settingValue(target, name, parameter, level(null, name, offset)));
      if (!isStandard(parameter, value)) args.push({ name: parameter.as, value });
    }
    for (const [as, choice] of Object.entries(method.choices ?? {})) {
      const switches = Object.entries(choice.of).map(([name, otherwise]) => {
        const value = settingValue(
          target,
          name,
          { as: name, type: "bool", default: otherwise },
          level(null, name, offset),
        )!;
        if (value.kind !== "text") this.stop("M003", `${name} has one value for all tensors here`, merge.at);
        return showValue(value);
      });
      const value = choice.values[switches.join(" ")];
      if (value !== choice.std) args.push({ name: as, value });
    }
    if (method.copies === true && args.length === 1) return { donor: main.model, copy: listed[0], call: null };
    this.uses.add(method.use);
    return { donor: main.model, copy: null, call: { name: method.use, args } };
  }

  /** The models of a slice, and the base where it has a part of its own. */
  private inputs(
    merge: Merge,
    method: Method,
    slice: Slice,
    base: ModelRef | null,
  ): { models: readonly Source[]; first: Source | null } {
    const isBase = (s: Source) => base !== null && this.keyOf(s.model) === this.keyOf(base);
    const listed = slice.sources.find(isBase) ?? null;
    // mergekit adds a base that is not listed to whole models, and to nothing else.
    const own =
      listed ??
      (base === null || merge.sliced ? null : { model: base, range: null, parameters: new Map(), span: base.span });
    const asModel = method.base === "model";
    const models = asModel
      ? [...slice.sources, ...(own !== null && listed === null ? [own] : [])]
      : slice.sources.filter((s) => !isBase(s));
    if (method.base === "first" && own === null)
      this.stop(
        "M005",
        base === null ? `${merge.method} needs a base_model` : `the slice does not list the base ${base.path}`,
        slice.span,
        base === null ? "add `base_model:`" : "add it to the sources, with its layer_range",
      );
    if (models.length === 0) this.stop("M005", `${merge.method} needs a model besides its base`, slice.span);
    if (method.models === "one" && models.length !== 1)
      this.stop(
        "M005",
        `${merge.method} takes one model${asModel ? "" : " besides its base"}, found ${models.length}`,
        slice.span,
        asModel && own !== null && listed === null
          ? "mergekit counts an unlisted base_model as a model: leave it out"
          : undefined,
      );
    return { models, first: asModel ? null : own };
  }

  private needed(merge: Merge, name: string, source: Source | null, value: Value | null): Value {
    if (value !== null) return value;
    const whose = source === null ? "" : ` for ${source.model.path}`;
    return this.stop(
      "M004",
      `${merge.method} needs the parameter ${name}${whose}, which has no default`,
      source?.span ?? merge.at,
      `write it under \`parameters:\` of ${source === null ? "the file" : "the model, or of the file for all of them"}`,
    );
  }

  private target({ model, range }: Source, last: boolean): Target {
    const facts = this.facts.get(this.keyOf(model)) ?? null;
    const layers = range === null ? (facts === null || facts.layers === 0 ? null : facts.layers) : range[1] - range[0];
    const base = { file: this.options.file, layers, ends: last };
    if (facts === null) return { ...base, places: null };
    const [from, to] = range ?? [0, Number.POSITIVE_INFINITY];
    const places = facts.places.flatMap((p) => {
      if (p.layer === null || range === null) return [p];
      return p.layer >= from && p.layer < to ? [moved(p, p.layer - from, to - from)] : [];
    });
    return { ...base, places };
  }

  /** A model, or some of its blocks. */
  private modelText({ model, range, span }: Source, sliced: boolean, names: ReadonlyMap<string, string>): string {
    const name = moveInto(names, this.variable(model));
    if (range === null || !sliced) return name;
    const facts = this.facts.get(this.keyOf(model)) ?? null;
    if (facts !== null && facts.layers > 0 && range[1] > facts.layers)
      this.stop(
        "M008",
        `the blocks ${range[0]}..${range[1]} do not lie in ${model.path}, which has ${facts.layers}`,
        span,
      );
    if (range[0] === 0 && facts !== null && facts.layers === range[1]) return name;
    return `layers(${name}, ${range[0]}..${range[1]})`;
  }

  /** The name of a model, which is loaded when it is met first. */
  private variable(ref: ModelRef): string {
    const key = this.keyOf(ref);
    const known = this.variables.get(key);
    if (known !== undefined) return known;
    const name = this.name(ref.adapter === null ? ref.path : `${ref.path}_${path.basename(ref.adapter.path)}`);
    this.variables.set(key, name);
    const at = this.locate(ref);
    this.facts.set(key, factsOf(at));
    const plain = ref.adapter === null ? undefined : this.variables.get(this.keyOf({ ...ref, adapter: null }));
    const load = plain ?? this.read(`load(${quoted(this.relative(ref, at))})`, this.facts.get(key) ?? null);
    const adapter =
      ref.adapter === null ? null : `load_adapter(${quoted(this.relative(ref.adapter, this.locate(ref.adapter)))})`;
    this.loads.push(`let ${name} = ${adapter === null ? load : `fuse(attach(${load}, ${adapter}))`}`);
    return name;
  }

  /** mergekit rounds every input to `dtype` when it reads it. */
  private read(load: string, facts: Facts | null): string {
    const dtype = this.merges[0].dtype;
    const narrow = dtype === "bf16" || dtype === "f16";
    if (!narrow || facts === null || [...facts.dtypes].every((d) => d === dtype.toUpperCase())) return load;
    if (this.merges.every((m) => m.dtype === dtype)) return `rounded(${load}, ${dtype})`;
    this.note("M011", `inputs are not rounded to \`dtype\` when they are read`, this.merges[0].at);
    return load;
  }

  private locate(ref: ModelRef): string {
    return path.resolve(path.dirname(this.options.file), ref.path);
  }

  private relative(ref: ModelRef, at: string): string {
    if (ref.revision !== null)
      this.note(
        "M011",
        `the revision ${ref.revision} of ${ref.path} is not looked at: a recipe loads what lies on the disk`,
        ref.span,
      );
    if (path.isAbsolute(ref.path)) return ref.path;
    return path.relative(this.options.folder, at).split(path.sep).join("/") || ".";
  }

  /** Two references to one model are the same, however its path is written. */
  private keyOf(ref: ModelRef): string {
    const isMerge = this.merges.some((m) => m.name === ref.path);
    return JSON.stringify([
      isMerge ? ref.path : this.locate(ref),
      ref.revision,
      ref.adapter === null ? null : this.keyOf(ref.adapter),
    ]);
  }

  private recipeName(): string {
    const stem = path.basename(this.options.file).replace(/\.ya?ml$/i, "");
    const plain = ["recipe", "config", "mergekit", "mergekit_config", "merge", "merged", "mergekit-config"].includes(
      stem,
    );
    return plain ? "merged" : namer(reserved.split(" "))(stem);
  }

  private note(code: string, message: string, span: Span): void {
    this.notes.push(diagnostic(code, message, { file: this.options.file, span }, { severity: "warning" }));
  }

  private stop(code: string, message: string, span: Span, help?: string): never {
    return fail(code, message, { file: this.options.file, span }, { help: help ?? null });
  }
}

function isStandard(parameter: Parameter, value: Value): boolean {
  const standard = parameter.std ?? parameter.default;
  if (standard === undefined || value.kind !== "text") return false;
  return value.text === shown(parameter, standard) || (typeof standard === "number" && Number(value.text) === standard);
}

function distinct(refs: readonly ModelRef[]): ModelRef[] {
  const seen = new Set<string>();
  return refs.filter((r) => {
    const key = JSON.stringify([r.path, r.revision, r.adapter?.path ?? null]);
    return !seen.has(key) && seen.add(key);
  });
}

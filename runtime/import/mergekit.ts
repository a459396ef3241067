/**
 * A mergekit file as a tree of merges. In: YAML documents. Out: one merge a document, every key read; a key that mergekit
 * does not know is an error here (M002; mergekit passes over it), and one that is known but does nothing is a note.
 * Source of the keys and rules: mergekit/config.py and plan.py of arcee-ai/mergekit 0.1.5.
 */
import { type Diagnostic, diagnostic, fail, nearest, PeftError, type Span } from "../../grammar/index.js";
import type { MethodTable } from "./methods.js";
import { type Setting, settingOf } from "./setting.js";
import { type Tokens, tokensOf } from "./tokens.js";
import type { Entry, Item, Mapping, Scalar } from "./yaml.js";

/** A model as it is named: a path or a name, a revision, an adapter that is folded in first. */
export interface ModelRef {
  readonly path: string;
  readonly revision: string | null;
  readonly adapter: ModelRef | null;
  readonly span: Span;
}

export type Parameters = ReadonlyMap<string, { readonly setting: Setting; readonly at: Span }>;

export interface Source {
  readonly model: ModelRef;
  /** Blocks, the end left out; null: all. */
  readonly range: readonly [number, number] | null;
  readonly parameters: Parameters;
  readonly span: Span;
}

export interface Slice {
  readonly sources: readonly Source[];
  readonly base: ModelRef | null;
  readonly parameters: Parameters;
  readonly span: Span;
}

export interface Merge {
  readonly name: string | null;
  readonly method: string;
  readonly at: Span;
  readonly base: ModelRef | null;
  readonly slices: readonly Slice[];
  /** Given as `slices`, with ranges of blocks, and not as whole `models`. */
  readonly sliced: boolean;
  /** Of the module, then of the file. */
  readonly parameters: readonly Parameters[];
  readonly dtype: string | null;
  readonly outDtype: string | null;
  readonly tokens: Tokens | null;
}

export interface Read {
  readonly merges: readonly Merge[];
  /** What has no effect here, as warnings. */
  readonly notes: readonly Diagnostic[];
}

const topKeys = [
  "name",
  "merge_method",
  "base_model",
  "models",
  "slices",
  "modules",
  "parameters",
  "dtype",
  "out_dtype",
  "tokenizer_source",
  "tokenizer",
  "chat_template",
];

/** Reads all documents. Throws PeftError (M002 to M005). */
export function readMergekit(file: string, documents: readonly Item[], table: MethodTable): Read {
  if (documents.length === 0) fail("M003", "the file is empty", { file, span: null }, { help: "name a mergekit file" });
  const reader = new Reader(file, table);
  const merges = documents.map((d) => reader.merge(reader.map(d, "a merge")));
  if (reader.problems.length > 0) throw new PeftError(reader.problems);
  return { merges, notes: reader.notes };
}

/** Collects the problems of a file, so that one import shows all of them. */
class Reader {
  readonly problems: Diagnostic[] = [];
  readonly notes: Diagnostic[] = [];

  constructor(
    private readonly file: string,
    private readonly table: MethodTable,
  ) {}

  map(item: Item, what: string): Mapping {
    if (item.kind === "map") return item;
    return this.stop(
      `expected ${what} as keys and values, found ${item.kind === "list" ? "a list" : "a value"}`,
      item.span,
    );
  }

  merge(map: Mapping): Merge {
    const keys = this.keys(map, topKeys, "a merge");
    const method = this.methodOf(keys.get("merge_method"), map);
    const forms = ["models", "slices", "modules"].filter((key) => keys.has(key));
    if (forms.length !== 1)
      this.stop(
        `expected one of models, slices and modules, found ${forms.length === 0 ? "none" : forms.join(" and ")}`,
        (keys.get(forms[1] ?? "") ?? keys.get("merge_method"))?.at ?? map.span,
      );
    const body = forms[0] === "modules" ? this.module(keys.get("modules")!) : { keys, parameters: [] };
    const sliced = body.keys.has("slices");
    const slices = sliced
      ? this.list(body.keys.get("slices")!).map((s) => this.slice(s, method))
      : [this.models(body.keys.get("models")!, method)];
    const chat = keys.get("chat_template");
    if (chat !== undefined)
      this.note(chat, "the chat template of the output is that of the model whose tokenizer it gets");
    return {
      name: this.word(keys.get("name")),
      method,
      at: keys.get("merge_method")!.value.span,
      base: this.refOf(keys.get("base_model")),
      slices,
      sliced,
      parameters: [...body.parameters, this.parameters(keys.get("parameters"), method)],
      dtype: this.dtypeOf(keys.get("dtype")),
      outDtype: this.dtypeOf(keys.get("out_dtype")),
      tokens: tokensOf(this.file, keys.get("tokenizer_source"), keys.get("tokenizer"), (item) => this.ref(item)),
    };
  }

  /** mergekit names the parts of a network; with one part the name says nothing. */
  private module(entry: Entry): { keys: ReadonlyMap<string, Entry>; parameters: Parameters[] } {
    const modules = this.map(entry.value, "modules").entries;
    if (modules.length !== 1)
      this.stop(`a merge of ${modules.length} modules at once cannot be imported`, entry.at, {
        help: "import one module at a time, and join them with `where stack == …`",
      });
    const keys = this.keys(this.map(modules[0].value, "a module"), ["models", "slices", "parameters"], "a module");
    if (keys.has("models") === keys.has("slices")) this.stop("a module has either models or slices", modules[0].at);
    return { keys, parameters: [this.parameters(keys.get("parameters"), null)] };
  }

  private models(entry: Entry, method: string): Slice {
    const sources = this.list(entry).map((item): Source => {
      const keys = this.keys(this.map(item, "a model"), ["model", "parameters"], "a model");
      const model = this.ref(this.need(keys, "model", item).value);
      return { model, range: null, parameters: this.parameters(keys.get("parameters"), method), span: item.span };
    });
    return { sources, base: null, parameters: new Map(), span: entry.at };
  }

  private slice(item: Item, method: string): Slice {
    const own = ["sources", "base_model", "residual_weight", "parameters"];
    const keys = this.keys(this.map(item, "a slice"), own, "a slice");
    const residual = keys.get("residual_weight");
    if (residual !== undefined) this.note(residual, "mergekit reads it and uses it nowhere");
    const sources = this.list(this.need(keys, "sources", item)).map((s): Source => {
      const inner = this.keys(this.map(s, "a source"), ["model", "layer_range", "parameters"], "a source");
      return {
        model: this.ref(this.need(inner, "model", s).value),
        range: this.range(this.need(inner, "layer_range", s).value),
        parameters: this.parameters(inner.get("parameters"), method),
        span: s.span,
      };
    });
    const lengths = new Set(sources.map(({ range }) => range![1] - range![0]));
    if (lengths.size > 1)
      this.stop(
        `the sources of a slice need the same number of blocks, found ${[...lengths].join(" and ")}`,
        item.span,
      );
    return {
      sources,
      base: this.refOf(keys.get("base_model")),
      parameters: this.parameters(keys.get("parameters"), method),
      span: item.span,
    };
  }

  private range(item: Item): readonly [number, number] {
    const numbers = item.kind === "list" ? item.items.map((i) => (i.kind === "scalar" ? i.value : null)) : [];
    const [from, to] = numbers;
    const whole = (n: unknown): n is number => typeof n === "number" && Number.isInteger(n) && n >= 0;
    if (numbers.length === 2 && whole(from) && whole(to) && from < to) return [from, to];
    return this.stop("layer_range is [first, end], two whole numbers, the end left out and larger", item.span);
  }

  private parameters(entry: Entry | undefined, method: string | null): Parameters {
    if (entry === undefined) return new Map();
    const known = this.table.parameters;
    const own = method === null ? null : this.table.methods.get(method)!;
    const keys = this.keys(this.map(entry.value, "parameters"), [...known], "the parameters of any method");
    const mine = new Set([
      ...Object.keys(own?.each ?? {}),
      ...Object.keys(own?.all ?? {}),
      ...Object.values(own?.choices ?? {}).flatMap((c) => Object.keys(c.of)),
    ]);
    const found = new Map<string, { setting: Setting; at: Span }>();
    for (const [name, { value, at }] of keys) {
      const reason = Object.hasOwn(own?.unused ?? {}, name) ? own!.unused![name] : null;
      if (own !== null && !mine.has(name))
        this.note({ key: name, at }, reason ?? `${method} has no such parameter, and mergekit passes over it`);
      else found.set(name, { setting: settingOf(this.file, name, value), at });
    }
    return found;
  }

  private methodOf(entry: Entry | undefined, map: Mapping): string {
    const name = this.word(entry);
    if (name === null) return this.stop("a merge needs a merge_method", map.span);
    if (this.table.methods.has(name)) return name;
    const [near] = nearest(name, this.table.methods.keys());
    return this.stop(`mergekit has no method ${JSON.stringify(name)}`, entry!.value.span, {
      help: near === undefined ? `it has ${[...this.table.methods.keys()].join(", ")}` : `did you mean ${near}?`,
    });
  }

  private dtypeOf(entry: Entry | undefined): string | null {
    const name = this.word(entry);
    if (name === null) return null;
    const own = this.table.dtypes.get(name);
    return (
      own ??
      this.stop(`the dtype ${JSON.stringify(name)} cannot be imported`, entry!.value.span, {
        help: `use one of ${[...this.table.dtypes.keys()].join(", ")}`,
      })
    );
  }

  private refOf(entry: Entry | undefined): ModelRef | null {
    if (entry === undefined || (entry.value.kind === "scalar" && entry.value.value === null)) return null;
    return this.ref(entry.value);
  }

  /** `path@revision+adapter@revision`, or the same in keys. */
  ref(item: Item): ModelRef {
    const { span } = item;
    if (item.kind === "map") {
      const keys = this.keys(item, ["model", this.table.adapter, "override_architecture"], "a model");
      const model = this.need(keys, "model", item).value;
      const adapter = keys.get(this.table.adapter);
      const architecture = keys.get("override_architecture");
      if (architecture !== undefined) this.note(architecture, "what a tensor is follows from the config's model_type");
      return { ...this.path(model), adapter: adapter === undefined ? null : this.path(adapter.value), span };
    }
    const text = item.kind === "scalar" && item.value !== null ? String(item.value) : "";
    if (text === "") return this.stop("expected the path of a model", span);
    const [model, adapter, ...more] = text.split("+");
    if (more.length > 0) return this.stop(`a model has one adapter, found ${more.length + 1}: ${text}`, span);
    return { ...this.parts(model, span), adapter: adapter === undefined ? null : this.parts(adapter, span) };
  }

  private path(item: Item): ModelRef {
    if (item.kind !== "map") return { ...this.ref(item), adapter: null };
    const keys = this.keys(item, ["path", "revision"], "a model");
    const path = this.word(this.need(keys, "path", item)) ?? "";
    return { path, revision: this.word(keys.get("revision")), adapter: null, span: item.span };
  }

  private parts(text: string, span: Span): ModelRef {
    const at = text.lastIndexOf("@");
    const cut = at > 0 && !text.slice(at).includes("/");
    return { path: cut ? text.slice(0, at) : text, revision: cut ? text.slice(at + 1) : null, adapter: null, span };
  }

  private keys(map: Mapping, known: readonly string[], what: string): ReadonlyMap<string, Entry> {
    for (const { key, at } of map.entries.filter((e) => !known.includes(e.key))) {
      const [near] = nearest(key, known);
      const parameter = this.table.parameters.has(key);
      this.problems.push(
        diagnostic(
          "M002",
          `${what} has no key \`${key}\``,
          { file: this.file, span: at },
          {
            help:
              near !== undefined
                ? `did you mean ${near}?`
                : parameter
                  ? "write it under `parameters:`"
                  : `its keys are ${known.join(", ")}`,
          },
        ),
      );
    }
    return new Map(map.entries.map((e) => [e.key, e]));
  }

  private need(keys: ReadonlyMap<string, Entry>, key: string, item: Item): Entry {
    return keys.get(key) ?? this.stop(`the key \`${key}\` is missing`, item.span);
  }

  private list(entry: Entry): readonly Item[] {
    if (entry.value.kind === "list" && entry.value.items.length > 0) return entry.value.items;
    return this.stop(`\`${entry.key}\` is a list of at least one element`, entry.at);
  }

  private word(entry: Entry | undefined): string | null {
    if (entry === undefined) return null;
    const { value } = entry;
    const text =
      value.kind === "scalar" ? (value as Scalar).value : this.stop(`\`${entry.key}\` is a word`, value.span);
    return text === null ? null : String(text);
  }

  note(entry: { readonly key: string; readonly at: Span }, reason: string): void {
    this.notes.push(
      diagnostic(
        "M010",
        `\`${entry.key}\` is left out: ${reason}`,
        { file: this.file, span: entry.at },
        { severity: "warning" },
      ),
    );
  }

  /** A mistake after which the rest makes no sense; those found before are told with it. */
  private stop(message: string, span: Span, parts: { help?: string } = {}): never {
    throw new PeftError([...this.problems, diagnostic("M003", message, { file: this.file, span }, parts)]);
  }
}

/**
 * What one elaboration has and collects: the definitions, the host that opens checkpoints (headers only), and the
 * growing plan of saves and reports.
 */
import type { Definition, Diagnostic, ModuleDefinition, Span } from "../../grammar/index.js";
import type { Column, Dataset } from "../dataset/index.js";
import type { Graph, Node, StorageDtype } from "../ir/index.js";
import type { SavedAdapter } from "./adapter-files.js";
import type { Known, Wish } from "./phases.js";
import type { Donor, Value } from "./value.js";

/** The header of a checkpoint, as the host reads it. `id` identifies it in `input` nodes. */
export interface ModelHeader {
  readonly id: string;
  readonly path: string;
  readonly tensors: readonly {
    readonly name: string;
    readonly dtype: StorageDtype;
    readonly shape: readonly number[];
  }[];
  readonly config: Readonly<Record<string, unknown>> | null;
  readonly modelType: string | null;
}

/** A token that a tokenizer knows besides those of its model, as tokenizer.json has it. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly single_word: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  readonly normalized: boolean;
  readonly special: boolean;
}

/** The tokens of a model by their text. `source` names the checkpoint whose tokenizer it is. */
export interface Vocabulary {
  readonly source: string;
  readonly tokens: ReadonlyMap<string, number>;
  readonly added: ReadonlyMap<string, AddedToken>;
}

/** The outside world of a recipe. `open` throws a PeftError when there is no checkpoint at the path. */
export interface Host {
  open(path: string, from: { readonly file: string; readonly span: Span }): ModelHeader;
  /** The header of a saved adapter, whose `config` is that of the adapter. Throws a PeftError when there is none. */
  openAdapter?(path: string, from: { readonly file: string; readonly span: Span }): ModelHeader;
  /** The tokens of the checkpoint with this id; null if it has no tokenizer. Throws a PeftError if it cannot be read. */
  vocabulary?(id: string, from: { readonly file: string; readonly span: Span }): Vocabulary | null;
  /** Opens a data set; `options` are the named arguments. Throws a PeftError when there is none. */
  dataset?(
    path: string,
    options: ReadonlyMap<string, string | number>,
    from: { readonly file: string; readonly span: Span },
  ): Dataset;
}

/** A definition found by name from a file: its own and its imported ones. */
export interface Definitions {
  find(file: string, name: string): { readonly definition: Definition; readonly file: string } | undefined;
  names(file: string): readonly string[];
  /** All adapters that a file sees, its own and imported ones first, and then those of the library. */
  adapters?(file: string): readonly { readonly definition: ModuleDefinition; readonly file: string }[];
  /** The network of a checkpoint by what its config says; absent where the host offers none. */
  architecture?(
    modelType: string | null,
    architectures: readonly string[],
  ): { readonly definition: ModuleDefinition; readonly file: string } | null;
}

/** One tensor of a saved model. */
export interface SavedTensor {
  readonly name: string;
  readonly node: Node;
  readonly shape: readonly number[];
  readonly stored: StorageDtype;
  readonly reference: Node | null;
  readonly selected: boolean;
}

export interface Save {
  readonly to: string;
  readonly tensors: readonly SavedTensor[];
  readonly donor: Donor | null;
  /** An adapter is saved by itself, in a folder that PEFT reads, with this config. */
  readonly adapter: SavedAdapter | null;
  readonly shardBytes: number | null;
  /** True when every float tensor was asked to have one dtype. */
  readonly dtype: StorageDtype | null;
  readonly at: { readonly file: string; readonly span: Span };
}

export interface Report {
  /** The text of the reported expression. */
  readonly label: string;
  readonly value: Value;
}

/** One lifted call, for `peftc plan`. */
export interface LiftedCall {
  readonly name: string;
  readonly places: number;
  readonly selected: number;
  readonly carried: number;
  readonly elements: number;
}

/** A random draw: what keyed it, for the receipt. */
export interface Draw {
  readonly path: string;
  readonly places: number;
}

export interface Session {
  readonly host: Host;
  readonly definitions: Definitions;
  readonly graph: Graph;
  /** Only mistakes are wanted: places at which a body can do nothing new are passed over. */
  readonly quick: boolean;
  readonly seed: number;
  readonly texts: ReadonlyMap<string, string>;
  readonly warnings: Diagnostic[];
  readonly loads: ModelHeader[];
  /** Columns of data sets by the source of their input nodes. */
  readonly columns: Map<string, Column>;
  /** Columns whose values choose rows of a table or classes: each value must be below the limit. */
  readonly ranges: RowRange[];
  readonly saves: Save[];
  readonly reports: Report[];
  readonly lifts: LiftedCall[];
  readonly draws: Map<string, number>;
  /** Conditions of `require` whose value is known only while running. */
  readonly requirements: {
    readonly node: Node;
    readonly message: string;
    readonly at: { readonly file: string; readonly span: Span };
    readonly place: string;
  }[];
  /** Values of `static` calls that earlier phases computed, and those that the next one has to (phases.ts). */
  readonly known: ReadonlyMap<string, Known>;
  readonly wishes: Wish[];
  /** Patterns and words of schedules and selectors, and how many places each matched (selectors.ts). */
  readonly matches: Map<string, PatternUse>;
}

/** Values of a column are positions among `limit` rows or classes. */
export interface RowRange {
  readonly column: Column;
  readonly limit: number;
  readonly what: "rows" | "classes";
  /** A value that stands for none of them. */
  readonly ignored: number | null;
  readonly at: { readonly file: string; readonly span: Span };
}

export interface PatternUse {
  readonly what: string;
  readonly pattern: string;
  readonly at: { readonly file: string; readonly span: Span };
  readonly candidates: Set<string>;
  hits: number;
}

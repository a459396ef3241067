/**
 * The form of an architecture's table: data that says what each module of a family of checkpoints is.
 *
 * A tensor's name is an optional prefix, a module's path and a leaf (`weight`, `bias`), or a path alone (a class token).
 * Paths inside a block are written from the block on; paths outside from the prefix on.
 */
import type { Kind, Role } from "../place.js";

export interface Table {
  /** Values of `model_type` in config.json. */
  readonly modelTypes: readonly string[];
  /** Prefixes that a name may have or lack: `model.` of a model with a head, missing in the files of the base model. */
  readonly prefixes: readonly string[];
  readonly stacks: readonly Stack[];
  readonly outside: readonly OutsideRow[];
  /** Kernels of linear maps are stored [in, out]. */
  readonly layout?: "in-out";
}

/** Blocks stand at `at` + "." + number. */
export interface Stack {
  readonly name: string;
  readonly at: string;
  readonly rows: readonly InsideRow[];
  /** Where config.json says how many blocks there are: `num_hidden_layers`, `text_config.num_hidden_layers`. */
  readonly count: string;
}

/** Path, what its weight is, its role. A tensor without leaf (or of another leaf) is looked up by its whole path first. */
export type InsideRow = readonly [path: string, kind: Kind, role: Role | null];

export type OutsideRow = readonly [
  path: string,
  kind: Kind,
  role: Role | null,
  place: "before" | "after",
  stack: string | null,
];

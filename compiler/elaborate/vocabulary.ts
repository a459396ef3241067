/**
 * Tables of tokens put in one order. In: models with their tokens, and where the common vocabulary comes from. Out: the
 * models with embedding and head re-made row by row: a row belongs to a token, not to a number.
 *
 * A token that a model lacks gets, in this order: what the caller says; the row of the only model that has it; that of the
 * first model, if it has it; else the mean of the rows of those that have it; zeros if none has. Rows that are added to reach a
 * multiple are the mean of all rows. The rules are those of mergekit's `tokenizer:` section (0.1.5), so that numbers agree.
 */
import type { Span } from "../../grammar/index.js";
import { type Node, sizeOf } from "../ir/index.js";
import { type Context, stop } from "./context.js";
import { configOf } from "./layers.js";
import { makeNode } from "./operators.js";
import type { AddedToken, Vocabulary } from "./session.js";
import { type Leaf, type TreeValue, tensor } from "./value.js";

/** Where the row of a token comes from, in place of the rules above. */
export interface TokenRow {
  readonly token: string;
  /** Number of the model, and its row; `zero`: a row of zeros. */
  readonly from: "zero" | { readonly model: number; readonly row: number } | null;
  /** Also for models that have the token. */
  readonly force: boolean;
}

/** A model with its vocabulary. */
export interface Spoken {
  readonly model: TreeValue;
  readonly vocabulary: Vocabulary;
  /** Rows of its table. */
  readonly rows: number;
}

/** The embedding of tokens, by its role. */
export function embeddingOf(context: Context, model: TreeValue, span: Span): Leaf {
  const found = [...model.leaves.values()].find((l) => l.place.role === "embed" && l.value.kind === "tensor");
  return found ?? stop(context, "R065", `${model.origin} has no embedding of tokens`, span);
}

/**
 * The tokens of all models: those of the first with their numbers, then those that only others have, in their order.
 * Tokens past the table of their model are left out, as nothing was learned for them.
 */
export function unionOf(models: readonly Spoken[]): {
  readonly tokens: ReadonlyMap<string, number>;
  readonly added: AddedToken[];
} {
  const tokens = new Map(models[0].vocabulary.tokens);
  const added: AddedToken[] = [];
  let next = Math.max(-1, ...tokens.values()) + 1;
  for (const { vocabulary, rows } of models.slice(1)) {
    const others = [...vocabulary.tokens].sort((a, b) => a[1] - b[1]);
    for (const [token, id] of others) {
      if (tokens.has(token) || id >= rows) continue;
      tokens.set(token, next);
      added.push({ ...(vocabulary.added.get(token) ?? plainToken(token)), id: next++ });
    }
  }
  return { tokens, added };
}

/** A token that texts hold as it stands. */
export function plainToken(content: string): Omit<AddedToken, "id"> {
  return { content, single_word: false, lstrip: false, rstrip: false, normalized: true, special: false };
}

/** One table, re-made for every model: `tables` are the same tensor of each of them. */
export function alignTables(
  context: Context,
  models: readonly Spoken[],
  tables: readonly Node[],
  vocabulary: {
    readonly tokens: ReadonlyMap<string, number>;
    readonly rows: number;
    readonly special: readonly TokenRow[];
  },
  span: Span,
): Node[] {
  const special = new Map(vocabulary.special.map((s) => [s.token, s]));
  const size = Math.max(-1, ...vocabulary.tokens.values()) + 1;
  const own = models.map((m, k) => (token: string) => {
    const id = m.vocabulary.tokens.get(token);
    return id !== undefined && id < Math.min(m.rows, tables[k].shape[0]) ? id : null;
  });
  const extra = new Extra(context, tables, span);
  const orders = models.map(() => new Array<number>(size).fill(-1));
  const pending: { model: number; id: number; at: number }[] = [];
  for (const [token, id] of vocabulary.tokens) {
    const ids = own.map((f) => f(token));
    const said = special.get(token);
    const lacking = models.flatMap((_, k) => (ids[k] === null || said?.force === true ? [k] : []));
    models.forEach((_, k) => {
      if (ids[k] !== null && !lacking.includes(k)) orders[k][id] = ids[k];
    });
    if (lacking.length === 0) continue;
    const at =
      said?.from == null
        ? extra.ofOwners(ids)
        : said.from === "zero"
          ? extra.zero()
          : extra.row(said.from.model, said.from.row);
    for (const model of lacking) pending.push({ model, id, at });
  }
  const block = extra.node();
  // Numbers that no token has stay what no token reads: a row of zeros.
  for (const { model, id, at } of pending) orders[model][id] = tables[model].shape[0] + at;
  return models.map((_, k) =>
    paddedTo(context, reordered(context, tables[k], block, orders[k], span), vocabulary.rows, span),
  );
}

/** The rows that some model lacks, once for all of them. */
class Extra {
  private readonly groups = new Map<string, { sources: (number | null)[]; rows: number[][]; at: number[] }>();
  private count = 0;

  constructor(
    private readonly context: Context,
    private readonly tables: readonly Node[],
    private readonly span: Span,
  ) {}

  row(model: number, row: number): number {
    return this.add([model], [row]);
  }

  zero(): number {
    return this.add([], []);
  }

  /** Of the only owner, of the first model, or the mean of the owners. */
  ofOwners(ids: readonly (number | null)[]): number {
    const owners = ids.flatMap((id, k) => (id === null ? [] : [k]));
    if (owners.length > 1 && owners[0] === 0) return this.row(0, ids[0]!);
    return this.add(
      owners,
      owners.map((k) => ids[k]!),
    );
  }

  private add(sources: readonly number[], rows: readonly number[]): number {
    const key = sources.join();
    let group = this.groups.get(key);
    if (group === undefined) {
      group = { sources: [...sources], rows: sources.map(() => []), at: [] };
      this.groups.set(key, group);
    }
    const { rows: lists, at } = group;
    for (const [i, row] of rows.entries()) lists[i].push(row);
    at.push(this.count);
    return this.count++;
  }

  /** All of them as one table, in the order in which they were asked for; null if there are none. */
  node(): Node | null {
    if (this.count === 0) return null;
    const { context, span } = this;
    const parts: Node[] = [];
    const order: number[] = [];
    let before = 0;
    for (const { sources, rows, at } of this.groups.values()) {
      const taken = sources.map((k, i) => takeRows(context, this.tables[k!], rows[i], span));
      parts.push(
        taken.length === 0
          ? zeros(context, [at.length, ...this.tables[0].shape.slice(1)], span)
          : meanOf(context, taken, span),
      );
      at.forEach((place, i) => {
        order[place] = before + i;
      });
      before += at.length;
    }
    const all = parts.length === 1 ? parts[0] : makeNode(context, "concat", parts, { axis: 0 }, span);
    return order.every((o, i) => o === i) ? all : takeRows(context, all, order, span);
  }
}

function reordered(context: Context, table: Node, extra: Node | null, order: readonly number[], span: Span): Node {
  const holes = order.includes(-1);
  if (extra === null && order.length === table.shape[0] && order.every((o, i) => o === i)) return table;
  const parts = [
    table,
    ...(extra === null ? [] : [extra]),
    ...(holes ? [zeros(context, [1, ...table.shape.slice(1)], span)] : []),
  ];
  const all = parts.length === 1 ? table : makeNode(context, "concat", parts, { axis: 0 }, span);
  const last = all.shape[0] - 1;
  return takeRows(
    context,
    all,
    order.map((o) => (o === -1 ? last : o)),
    span,
  );
}

/** Rows of the mean of all rows, until there are `rows`. */
function paddedTo(context: Context, table: Node, rows: number, span: Span): Node {
  const [n, ...rest] = table.shape;
  if (n >= rows) return table;
  const scale = (x: Node) => makeNode(context, "div", [x, context.graph.constant(n)], undefined, span);
  const mean = scale(makeNode(context, "reduce_sum", [table], { axes: [0], keep: true }, span));
  const padding = makeNode(context, "broadcast", [mean], { shape: [rows - n, ...rest] }, span);
  return makeNode(context, "concat", [table, padding], { axis: 0 }, span);
}

function takeRows(context: Context, table: Node, rows: readonly number[], span: Span): Node {
  return makeNode(
    context,
    "take",
    [table, makeNode(context, "numbers", [], { shape: [rows.length], values: [...rows] }, span)],
    {},
    span,
  );
}

function meanOf(context: Context, tables: readonly Node[], span: Span): Node {
  const sum = tables.reduce((a, b) => makeNode(context, "add", [a, b], undefined, span));
  return tables.length === 1
    ? sum
    : makeNode(context, "div", [sum, context.graph.constant(tables.length)], undefined, span);
}

function zeros(context: Context, shape: readonly number[], span: Span): Node {
  return makeNode(context, "broadcast", [context.graph.constant(0, true)], { shape: [...shape] }, span);
}

/** A model with its tables replaced; config and tokenizer follow. */
export function withTables(
  context: Context,
  { model, rows: old }: Spoken,
  tables: ReadonlyMap<string, Node>,
  rows: number,
  tokenizer: { readonly source: string; readonly added: readonly AddedToken[] },
): TreeValue {
  const leaves = new Map(model.leaves);
  for (const [name, node] of tables) {
    const leaf = leaves.get(name)!;
    const before = leaf.value.kind === "tensor" ? leaf.value.node : null;
    if (before === node) continue;
    leaves.set(name, { ...leaf, value: tensor(node, "weight"), reference: null, selected: true });
  }
  const config = configOf(context, model);
  const key = ["vocab_size", "text_config.vocab_size"].find((path) => numberAt(config, path) === old);
  if (model.donor === null) return { ...model, leaves };
  const entries = key === undefined ? [] : [[key, rows] as const];
  return {
    ...model,
    leaves,
    donor: { ...model.donor, config: new Map([...(model.donor.config ?? []), ...entries]), tokenizer },
  };
}

function numberAt(config: Readonly<Record<string, unknown>> | null, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>(
      (at, key) => (typeof at === "object" && at !== null ? (at as Record<string, unknown>)[key] : undefined),
      config,
    );
}

/** Tables of a model with a row for each token: the embedding and, if it is stored, the head with its bias. */
export function tablesOf(model: TreeValue, rows: number): Map<string, Node> {
  const found = new Map<string, Node>();
  for (const [name, { place, value }] of model.leaves) {
    const isTable = place.role === "embed" || place.role === "head";
    if (isTable && value.kind === "tensor" && value.node.shape[0] === rows && sizeOf(value.node.shape) > 0)
      found.set(name, value.node);
  }
  return found;
}

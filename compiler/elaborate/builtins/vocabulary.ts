/** The builtin function `align`: models that speak of tokens by other numbers get one vocabulary. */
import type { Span } from "../../../grammar/index.js";
import { type Context, stop } from "../context.js";
import { describe, list, type RecordValue, type TreeValue, type Value } from "../value.js";
import {
  alignTables,
  embeddingOf,
  plainToken,
  type Spoken,
  type TokenRow,
  tablesOf,
  unionOf,
  withTables,
} from "../vocabulary.js";
import type { Arguments, Builtin } from "./builtin.js";

/** Below this share of common tokens two vocabularies are written in different ways. */
const leastShared = 0.05;

function align(context: Context, { values, span }: Arguments): Value {
  const given = values.get("models")!;
  const models = given.kind === "list" || given.kind === "tuple" ? given.items : [given];
  const spoken = models.map((m) => spokenOf(context, m, span));
  if (spoken.length === 0) return stop(context, "T001", "align takes at least one model", span);
  comparable(context, spoken, span);
  const source = sourceOf(context, values.get("vocabulary"), spoken, span);
  const special = tokensOf(context, values.get("tokens"), spoken, span);
  const multiple = multipleOf(context, values.get("multiple"), span);
  const chosen = source === null ? unionOf(spoken) : { tokens: new Map(source.vocabulary.tokens), added: [] };
  const tokens = new Map(chosen.tokens);
  const added = [...chosen.added];
  for (const { token } of special) {
    if (tokens.has(token)) continue;
    const id = Math.max(-1, ...tokens.values()) + 1;
    tokens.set(token, id);
    added.push({ ...plainToken(token), id });
  }
  const size = Math.max(-1, ...tokens.values()) + 1;
  const rows = Math.ceil(size / multiple) * multiple;
  const tables = spoken.map((s) => tablesOf(s.model, s.rows));
  const [first, ...others] = tables.map((t) => [...t.keys()].sort());
  const odd = others.findIndex((names) => names.join() !== first.join());
  if (odd >= 0)
    return stop(
      context,
      "R065",
      `the models have other tables of tokens: ${first.join(", ")} and ${others[odd].join(", ")}`,
      span,
      {
        help: "a tied head is not stored: align models that all tie it, or none",
      },
    );
  const made = new Map(
    first.map((name) => [
      name,
      alignTables(
        context,
        spoken,
        tables.map((t) => t.get(name)!),
        { tokens, rows, special },
        span,
      ),
    ]),
  );
  const tokenizer = { source: (source ?? spoken[0]).vocabulary.source, added };
  return list(
    spoken.map((s, k) =>
      withTables(context, s, new Map([...made].map(([name, nodes]) => [name, nodes[k]])), rows, tokenizer),
    ),
  );
}

function spokenOf(context: Context, model: Value, span: Span): Spoken {
  if (model.kind !== "tree" || model.donor === null)
    return stop(context, "T001", `align takes models that were loaded, found ${describe(model)}`, span);
  const embedding = embeddingOf(context, model, span);
  const vocabulary = context.session.host.vocabulary?.(model.donor.id, { file: context.file, span });
  if (vocabulary === undefined || vocabulary === null)
    return stop(context, "R065", `there is no tokenizer.json beside ${model.origin}`, span, {
      help: "put the tokenizer's files beside the weights: rows are matched by their tokens",
    });
  const { value } = embedding;
  return { model, vocabulary, rows: value.kind === "tensor" ? value.node.shape[0] : 0 };
}

function comparable(context: Context, spoken: readonly Spoken[], span: Span): void {
  const [first, ...others] = spoken;
  for (const other of others) {
    const shared = [...other.vocabulary.tokens.keys()].filter((t) => first.vocabulary.tokens.has(t)).length;
    const smaller = Math.min(first.vocabulary.tokens.size, other.vocabulary.tokens.size);
    if (shared >= leastShared * smaller) continue;
    stop(
      context,
      "R066",
      `the tokenizers of ${first.model.origin} and ${other.model.origin} share ${shared} of ${smaller} tokens`,
      span,
      {
        help: "they write tokens in different ways, so that rows cannot be matched: merge models of one family of tokenizers",
      },
    );
  }
}

/** The model that has the vocabulary; null for the union. */
function sourceOf(context: Context, value: Value | undefined, spoken: readonly Spoken[], span: Span): Spoken | null {
  if (value === undefined || (value.kind === "string" && value.value === "union")) return null;
  if (value.kind === "tree") return spoken[numberOf(context, value, spoken, span)];
  return stop(context, "T001", `vocabulary is "union" or one of the models, found ${describe(value)}`, span);
}

function numberOf(context: Context, value: TreeValue, spoken: readonly Spoken[], span: Span): number {
  const at = spoken.findIndex((s) => s.model.donor!.id === value.donor?.id);
  return at >= 0 ? at : stop(context, "T001", `${value.origin} is not one of the models that are aligned`, span);
}

function multipleOf(context: Context, value: Value | undefined, span: Span): number {
  if (value === undefined || value.kind === "none") return 1;
  if (value.kind === "number" && Number.isInteger(value.value) && value.value > 0 && value.value <= 1 << 20)
    return value.value;
  return stop(context, "T001", `multiple is a whole number above 0, found ${describe(value)}`, span);
}

function tokensOf(context: Context, value: Value | undefined, spoken: readonly Spoken[], span: Span): TokenRow[] {
  if (value === undefined || value.kind === "none") return [];
  if (value.kind !== "list")
    return stop(context, "T001", `tokens is a list of records, found ${describe(value)}`, span);
  return value.items.map((item) => {
    const token = item.kind === "record" ? item.fields.get("token") : undefined;
    if (item.kind !== "record" || token?.kind !== "string")
      return stop(
        context,
        "T001",
        `a token is { token: "x", row: "zero" or { model, token } or none, force: false }, found ${describe(item)}`,
        span,
      );
    const force = item.fields.get("force");
    const row = item.fields.get("row");
    const from =
      row?.kind === "string" && row.value === "zero"
        ? "zero"
        : row?.kind === "record"
          ? rowOf(context, row, spoken, span)
          : null;
    return { token: token.value, from, force: force?.kind === "bool" && force.value };
  });
}

/** `{ model: m, token: "x" }`, where the token may be its number. */
function rowOf(
  context: Context,
  row: RecordValue,
  spoken: readonly Spoken[],
  span: Span,
): { model: number; row: number } {
  const [model, token] = [row.fields.get("model"), row.fields.get("token")];
  if (model?.kind !== "tree" || (token?.kind !== "string" && token?.kind !== "number"))
    return stop(context, "T001", 'a row of a model is { model: m, token: "x" }', span);
  const at = numberOf(context, model, spoken, span);
  const { vocabulary, rows } = spoken[at];
  const id = token.kind === "number" ? token.value : vocabulary.tokens.get(token.value);
  if (id === undefined || !Number.isInteger(id) || id < 0 || id >= rows)
    return stop(context, "R067", `${model.origin} has no token ${JSON.stringify(token.value)}`, span, {
      help: "write the token as it stands in tokenizer.json, or its number",
    });
  return { model: at, row: id };
}

export const vocabularies: Readonly<Record<string, Builtin>> = {
  align: { params: ["models", "vocabulary?", "tokens?", "multiple?"], lifts: false, run: align },
};

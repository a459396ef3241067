/**
 * The built-in functions, one row each: name, parameters with their defaults, a line of documentation and the rule for
 * the type of a call. In: nothing. Out: the table that calls, suggestions, completion and the reference read. Everything
 * else of the standard library is written in the language itself. Spec: spec/language.md, "Builtins".
 */
import type { BuiltinCall } from "./builtin_call.js";
import {
  typeOfChoice,
  typeOfClamp,
  typeOfDiv,
  typeOfElementwise,
  typeOfFallback,
  typeOfMix,
  typeOfQuantized,
  typeOfQuotient,
  typeOfRounded,
  typeOfSoftmax,
  typeOfTest,
  typeOfToNumber,
} from "./builtin_elements.js";
import { typeOfOpaque } from "./builtin_learning.js";
import {
  typeOfAdapterFile,
  typeOfAligned,
  typeOfEnumerate,
  typeOfFold,
  typeOfInfinity,
  typeOfLoad,
  typeOfMap,
  typeOfNothing,
  typeOfReorder,
  typeOfRequire,
  typeOfStr,
  typeOfZip,
} from "./builtin_lists.js";
import {
  typeOfArgmax,
  typeOfCount,
  typeOfDot,
  typeOfKth,
  typeOfMany,
  typeOfMean,
  typeOfRank,
  typeOfReduction,
  typeOfSize,
  typeOfSum,
  typeOfTruths,
} from "./builtin_reductions.js";
import {
  typeOfConcat,
  typeOfDraw,
  typeOfFilled,
  typeOfFlatten,
  typeOfIota,
  typeOfLen,
  typeOfLike,
  typeOfRandint,
  typeOfReshape,
  typeOfShape,
  typeOfStack,
} from "./builtin_shapes.js";
import { dataRows, layerRows, learningRows } from "./builtins_learning.js";
import { matrixRows } from "./builtins_matrices.js";
import type { Type } from "./types.js";

/** What a parameter accepts; checked before the rule is asked. */
export type Takes =
  /** A tensor or number. */
  | "numeric"
  /** A tensor, a number, or a list of them. */
  | "values"
  | "truth"
  | "list"
  | "int"
  | "number"
  | "text"
  /** A list of Ints that is a shape. */
  | "lengths"
  /** A Scope, or names or indices of axes. */
  | "over"
  /** The index or name of an axis. */
  | "axis"
  | "function"
  | "dtype"
  /** Where an adapter goes: a role or part as a bare word, a pattern, a list, a function. */
  | "places"
  | "any";

export interface BuiltinParam {
  readonly name: string;
  readonly takes: Takes;
  /** As written in the documentation; null: required. */
  readonly default: string | null;
  /** Takes any number of arguments in a row. */
  readonly many: boolean;
}

export interface Builtin {
  readonly name: string;
  readonly params: readonly BuiltinParam[];
  readonly doc: string;
  /** Acts place by place on models and trees. */
  readonly lifts: boolean;
  readonly recipesOnly: boolean;
  /** Takes named arguments that the table does not know. */
  readonly open: boolean;
  readonly type: (call: BuiltinCall) => Type;
}

export type Row = readonly [name: string, params: string, doc: string, type: (call: BuiltinCall) => Type];

/** `x: numeric`, `xs...: values`, `over: over = tensor`, separated by commas. */
function parseParams(text: string): readonly BuiltinParam[] {
  if (text === "") return [];
  return text.split(", ").map((part) => {
    const [head, fallback] = part.split(" = ");
    const [name, takes] = head.split(": ");
    const many = name.endsWith("...");
    return { name: many ? name.slice(0, -3) : name, takes: takes as Takes, default: fallback ?? null, many };
  });
}

const random = "purpose: text = none, seed: int = none, over: over = none";

/** Act place by place on models. */
const liftingRows: readonly Row[] = [
  [
    "sum",
    "x...: values, over: over = tensor",
    "sum of a tensor's entries; of a list or of several arguments, per position",
    typeOfSum,
  ],
  [
    "mean",
    "x...: values, over: over = tensor",
    "mean of a tensor's entries; of a list, per position (of Weights: a Weight)",
    typeOfMean,
  ],
  [
    "max",
    "x...: values, over: over = tensor",
    "largest entry; of a list or of several arguments, per position",
    typeOfMany,
  ],
  [
    "min",
    "x...: values, over: over = tensor",
    "smallest entry; of a list or of several arguments, per position",
    typeOfMany,
  ],
  [
    "count",
    "x...: values, over: over = tensor",
    "number of entries that are not zero; of a list, per position",
    typeOfCount,
  ],
  ["any", "x...: values, over: over = tensor", "true where one is not zero", typeOfTruths],
  ["all", "x...: values, over: over = tensor", "true where none is zero", typeOfTruths],
  ["norm", "x: numeric, over: over = tensor", "Euclidean norm", typeOfReduction],
  ["norm1", "x: numeric, over: over = tensor", "sum of magnitudes", typeOfReduction],
  ["dot", "a: numeric, b: numeric, over: over = tensor", "sum of products", typeOfDot],
  [
    "argmax",
    "x: values, over: over = tensor",
    "index of the first largest entry; of a list, per position",
    typeOfArgmax,
  ],
  ["std", "x: numeric, over: over = tensor, unbiased: truth = false", "standard deviation", typeOfReduction],
  ["var", "x: numeric, over: over = tensor, unbiased: truth = false", "variance of the entries", typeOfReduction],
  ["abs", "x: numeric", "magnitude", typeOfElementwise],
  ["sign", "x: numeric", "-1, 0 or 1", typeOfElementwise],
  ["neg", "x: numeric", "the number with the other sign", typeOfElementwise],
  ["sqrt", "x: numeric", "square root", typeOfElementwise],
  ["exp", "x: numeric", "e to the power x", typeOfElementwise],
  ["log", "x: numeric", "natural logarithm", typeOfElementwise],
  ["sin", "x: numeric", "sine of an angle in radians", typeOfElementwise],
  ["cos", "x: numeric", "cosine of an angle in radians", typeOfElementwise],
  ["acos", "x: numeric", "angle whose cosine is x", typeOfElementwise],
  ["tanh", "x: numeric", "hyperbolic tangent", typeOfElementwise],
  ["sigmoid", "x: numeric", "1 / (1 + exp(-x))", typeOfElementwise],
  ["floor", "x: numeric", "largest integer not above x; an Int of a number", typeOfRounded],
  ["ceil", "x: numeric", "smallest integer not below x; an Int of a number", typeOfRounded],
  ["round", "x: numeric", "nearest integer, ties to even; an Int of a number", typeOfRounded],
  ["rounded", "x: numeric, dtype: dtype", "the nearest numbers that a dtype has, ties to even", typeOfQuantized],
  ["int", "x: numeric", "the integer towards zero", typeOfToNumber],
  ["float", "x: numeric", "the same number as a Float", typeOfToNumber],
  ["is_finite", "x: numeric", "neither infinite nor NaN", typeOfTest],
  ["clamp", "x: numeric, low: numeric, high: numeric", "x, but not below low and not above high", typeOfClamp],
  [
    "where",
    "condition: truth, a: numeric, b: numeric",
    "a where the condition is true, else b, per position",
    typeOfChoice,
  ],
  ["safe_div", "a: numeric, b: numeric", "a / b, and 0 where b is 0", typeOfQuotient],
  ["if_zero", "x: numeric, y: numeric", "x, and y where x is 0", typeOfFallback],
  ["softmax", "x: numeric, over: over = row", "exp(x) divided by its sum", typeOfSoftmax],
  ["log_softmax", "x: numeric, over: over = row", "logarithm of softmax", typeOfSoftmax],
  ["mix", "weights: list, coefficients: list", "sum of c * W: a Weight, for coefficients that sum to one", typeOfMix],
  [
    "rank",
    "x: numeric, over: over = tensor",
    "position in descending order from 0, ties by position; over tensor or model only in a comparison",
    typeOfRank,
  ],
  ["kth_largest", "x: numeric, k: number, over: over = tensor", "the entry of rank k (from 0)", typeOfKth],
  ["kth_smallest", "x: numeric, k: number, over: over = tensor", "the entry with k smaller ones (from 0)", typeOfKth],
  ["size", "x: numeric, over: over = tensor", "number of entries; over model, of all selected places", typeOfSize],
  ["shape", "x: numeric", "lengths of the axes, as a list that `match` takes apart", typeOfShape],
  ["reshape", "x: numeric, shape: lengths", "the same entries in row-major order in another shape", typeOfReshape],
  ["flatten", "x: numeric", "the entries as one axis", typeOfFlatten],
  ["concat", "xs: list, axis: axis = 0", "tensors one after the other along an axis", typeOfConcat],
  ["stack", "xs: list, axis: axis = 0", "tensors side by side along a new axis", typeOfStack],
  ["zeros_like", "x: numeric, dtype: dtype = none", "zeros in the shape of x", typeOfLike],
  ["ones_like", "x: numeric, dtype: dtype = none", "ones in the shape of x", typeOfLike],
  [
    "bernoulli",
    `p: numeric, shape: lengths = none, like: numeric = none, ${random}`,
    "true with probability p",
    typeOfDraw,
  ],
];

const plainRows: readonly Row[] = [
  [
    "align",
    "models: list, vocabulary: any = none, tokens: any = none, multiple: int = none",
    "models with one vocabulary (the union, or that of a model): rows of embeddings and heads matched by their tokens",
    typeOfAligned,
  ],
  ["configured", "model: any, config: any", "the model with entries of its config set, from a record", typeOfLoad],
  [
    "layers",
    "model: any, range: any, stack: text = none",
    "the model with only these blocks, renumbered from 0; `x ++ y` joins models block after block",
    typeOfLoad,
  ],
  ["len", "x: any", "number of elements of a list; length of a vector", typeOfLen],
  ["iota", "x: any", "0, 1, ... below n, or below the length of a vector", typeOfIota],
  ["zeros", "shape: lengths", "a tensor of zeros", typeOfFilled],
  ["ones", "shape: lengths", "a tensor of ones", typeOfFilled],
  [
    "uniform",
    `shape: lengths, low: number = 0, high: number = 1, ${random}`,
    "numbers drawn evenly from [low, high)",
    typeOfFilled,
  ],
  ["normal", `shape: lengths, std: number = 1, ${random}`, "numbers drawn from a normal distribution", typeOfFilled],
  ["randint", `shape: lengths, n: int, ${random}`, "integers drawn evenly from 0 .. n - 1", typeOfRandint],
  ["enumerate", "xs: list", "pairs of index and element", typeOfEnumerate],
  ["zip", "xs...: list", "tuples of the elements at the same place of several lists", typeOfZip],
  ["entries", "r: any", "pairs of name and value of a record, in its order", typeOfOpaque],
  ["from_entries", "pairs: list", "the record of pairs of name and value", typeOfOpaque],
  ["fold", "xs: list, init: any, f: function", "f(f(f(init, x0), x1), x2) ...", typeOfFold],
  ["map", "f: function, xs: any", "f of every element", typeOfMap],
  ["sort", "xs: list", "the numbers in ascending order", typeOfReorder],
  ["reverse", "xs: list", "the elements from last to first", typeOfReorder],
  ["div", "a: numeric, b: numeric", "the quotient rounded down, of whole numbers", typeOfDiv],
  ["require", "condition: any, message: text", "stops with the message where the condition is false", typeOfRequire],
  ["str", "x: any", "the value as text", typeOfStr],
  ["infinity", "", "the Float above all others", typeOfInfinity],
];

const recipeRows: readonly Row[] = [
  [
    "load",
    "path: text, layers: text = none",
    "a model folder or file; `layers` says which names are the blocks",
    typeOfLoad,
  ],
  [
    "load_table",
    "path: text",
    "the tensors of a safetensors file as a record, by the parts of their names",
    typeOfOpaque,
  ],
  [
    "load_adapter",
    "path: text",
    "a saved adapter; `attach(model, load_adapter(path))` puts it where it was trained",
    typeOfAdapterFile,
  ],
  [
    "save",
    "model: any, to: text, dtype: dtype = none, shard: int = none, config: any = none",
    "writes a model or tree of tensors",
    typeOfNothing,
  ],
];

/** What a data set is made of depends on its files. */
const open: ReadonlySet<string> = new Set(["dataset", "tokens"]);

function rowsOf(rows: readonly Row[], lifts: boolean, recipesOnly: boolean): readonly Builtin[] {
  return rows.map(([name, params, doc, type]) => ({
    name,
    params: parseParams(params),
    doc,
    lifts,
    recipesOnly,
    open: open.has(name),
    type,
  }));
}

export const builtins: ReadonlyMap<string, Builtin> = new Map(
  [
    ...rowsOf(liftingRows, true, false),
    ...rowsOf(layerRows, true, false),
    ...rowsOf(matrixRows, true, false),
    ...rowsOf(plainRows, false, false),
    ...rowsOf(learningRows, false, false),
    ...rowsOf(recipeRows, false, true),
    ...rowsOf(dataRows, false, true),
  ].map((b) => [b.name, b]),
);

/** Names that the language will have: a better message than "unknown". */
export const laterNames: ReadonlySet<string> = new Set(
  "each session generate scatter take_along switch ragged places modules leaves".split(" "),
);

/** `norm(x, over = tensor)`. */
export function showBuiltin(b: Builtin): string {
  return `${b.name}(${b.params.map((p) => (p.many ? `${p.name}, …` : p.default === null ? p.name : `${p.name} = ${p.default}`)).join(", ")})`;
}

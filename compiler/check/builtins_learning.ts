/**
 * The rows of the table of builtins about loops, gradients, adapters and data, and about what layers compute beside plain
 * arithmetic. `train`, losses, metrics and optimizers are definitions of the standard library. In: nothing. Out: rows.
 */
import { typeOfElementwise } from "./builtin_elements.js";
import {
  typeOfCumsum,
  typeOfEinsum,
  typeOfExtreme,
  typeOfKeepTop,
  typeOfOneHot,
  typeOfTake,
  typeOfTopK,
} from "./builtin_layers.js";
import {
  typeOfAssigned,
  typeOfGradient,
  typeOfImages,
  typeOfIterate,
  typeOfIterateUntil,
  typeOfOpaque,
  typeOfParameters,
  typeOfPermutation,
  typeOfSame,
  typeOfScan,
  typeOfStatic,
  typeOfStraightThrough,
  typeOfTaps,
  typeOfTensors,
  typeOfValueAndGradient,
  typeOfWhen,
  typeOfWrapped,
} from "./builtin_learning.js";
import type { Row } from "./builtins.js";

/** Act place by place on models. */
export const layerRows: readonly Row[] = [
  ["relu", "x: numeric", "x, and 0 where x is negative", typeOfElementwise],
  ["gelu", "x: numeric", "x times the share of a normal distribution below x", typeOfElementwise],
  ["silu", "x: numeric", "x * sigmoid(x)", typeOfElementwise],
  ["softplus", "x: numeric", "log(1 + exp(x))", typeOfElementwise],
  ["erf", "x: numeric", "error function", typeOfElementwise],
  ["log1p", "x: numeric", "log(1 + x), exact near 0", typeOfElementwise],
  ["maximum", "a: numeric, b: numeric", "the larger of two, per position", typeOfExtreme],
  ["minimum", "a: numeric, b: numeric", "the smaller of two, per position", typeOfExtreme],
  ["cumsum", "x: numeric, axis: axis = -1", "sums of the entries up to each one along an axis", typeOfCumsum],
  ["keep_top", "x: numeric, k: int", "the k largest entries of each row, 0 elsewhere", typeOfKeepTop],
  ["top_k", "x: numeric, k: int", "values and indices of the k largest entries of each row", typeOfTopK],
  [
    "one_hot",
    "i: values, n: int, ignore: int = none",
    "1 at the index along a new last axis of length n, else 0; `ignore` is no index and gives only 0",
    typeOfOneHot,
  ],
  ["take", "x: numeric, i: values, axis: axis = 0", "the slices of x at these indices along an axis", typeOfTake],
  ["stop_gradient", "x: any", "x, through which no gradient goes", typeOfSame],
  [
    "straight_through",
    "value: numeric, like: numeric",
    "value forward; its gradient goes to `like`",
    typeOfStraightThrough,
  ],
];

export const learningRows: readonly Row[] = [
  [
    "einsum",
    "spec: text, x...: numeric",
    'sum of products by letters of axes: einsum("ij,jk->ik", a, b)',
    typeOfEinsum,
  ],
  [
    "conv2d",
    "x: numeric, weight: numeric, bias: any = none, stride: any = 1, padding: any = 0, dilation: any = 1, groups: int = 1",
    "slides a kernel [out, in / groups, height, width] over images [n, in, height, width]; lengths are one for both axes or two",
    typeOfImages,
  ],
  [
    "max_pool",
    "x: numeric, size: any, stride: any = none, padding: any = 0",
    "the largest entry of each window of images [n, channels, height, width]; windows lie side by side unless `stride` says otherwise",
    typeOfImages,
  ],
  [
    "mean_pool",
    "x: numeric, size: any, stride: any = none, padding: any = 0",
    "as max_pool, the mean of each window; what lies outside counts as 0",
    typeOfImages,
  ],
  [
    "scatter_add",
    "i: numeric, rows: numeric, n: int",
    "n rows: at each index the sum of its rows; take backwards",
    typeOfOpaque,
  ],
  [
    "twister_permutation",
    "n: int, count: int, seed: int",
    "the first `count` of the Ints below n in the order that a 32-bit Mersenne Twister draws, as a list",
    typeOfOpaque,
  ],
  ["permutation", "n: int", "the Ints below n in a drawn order, as a list", typeOfPermutation],
  ["iterate", "n: int, init: any, step: function", "step(step(init, 0), 1) ... while running", typeOfIterate],
  [
    "iterate_until",
    "max: int, init: any, step: function, until: function",
    "as iterate, until the test holds after a step",
    typeOfIterateUntil,
  ],
  [
    "scan",
    "n: int, init: any, step: function, until: function = none",
    "as iterate; step gives (state, output), outputs are stacked",
    typeOfScan,
  ],
  [
    "when",
    "condition: any, then: function, otherwise: function",
    "the value of one of two functions; the other is not run",
    typeOfWhen,
  ],
  ["static", "e: any", "the value as numbers that a phase of the run before has computed", typeOfStatic],
  ["value_and_grad", "f: function, at: any", "f(at) and its gradient there", typeOfValueAndGradient],
  ["grad", "f: function, at: any", "the gradient of f at a tree or tensor", typeOfGradient],
  [
    "attach",
    "model: any, adapter: any, to: places = none, init: any = none",
    "the model with an adapter around each host that `to` selects",
    typeOfWrapped,
  ],
  [
    "hosts_of",
    "adapters: any, same_base: truth = true",
    "the modules on which saved adapters go, as a model whose weights have no numbers",
    typeOfOpaque,
  ],
  ["counterpart", "model: any, host: any", "the module of a model at the path of another's", typeOfOpaque],
  ["attached", "model: any, host: any", "the adapters around a module of a model, innermost first", typeOfOpaque],
  [
    "overrides",
    "x: any",
    "in an adapter's config: the values of a parameter at hosts where it is not the usual",
    typeOfOpaque,
  ],
  ["hosts_where", "x: any", "in an adapter's config: the hosts for which a parameter is true", typeOfOpaque],
  ["fuse", "model: any", "works every adapter into the weights", typeOfWrapped],
  ["adapters", "model: any", "the tensors of all adapters", typeOfTensors],
  ["buffers", "model: any", "the tensors that modules assign to: buffers and states", typeOfTensors],
  ["assigned", "trees: any, f: function", "(what f gives, the trees with what it assigned)", typeOfAssigned],
  [
    "taps",
    "f: function, at: places = none",
    "{ input, output, emitted } by path of each module that `at` selects and f calls",
    typeOfTaps,
  ],
  ["rules", "model: any, g: any, step: int", "runs the rule of every module and adapter", typeOfOpaque],
  ["params", "model: any", "all tensors of a model that can train", typeOfParameters],
  ["trainable", "model: any", "the tensors that train by default", typeOfParameters],
  ["split", "data: any, parts: any, shuffle: truth = true", "tables of the rows, by fractions", typeOfOpaque],
  ["draw", "data: any, n: int, i: int", "n rows of a data set, those of step i", typeOfOpaque],
];

/** Read files, and so stand only in recipes. */
export const dataRows: readonly Row[] = [
  ["dataset", "path: text", "a data set, by the names in its file", typeOfOpaque],
  ["tokens", "text: any", "a data set of token sequences", typeOfOpaque],
];

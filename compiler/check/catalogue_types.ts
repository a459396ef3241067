/** Codes about types, spaces, stages and control. */
import type { Catalogue } from "../../grammar/index.js";

export const typeCodes: Catalogue = {
  T001: {
    title: "wrong type",
    page: `A value stands where another type is declared. An Int may stand for a Float, a Fraction for a Float, a number for a
tensor of rank 0, a Model for a Weight (the call then runs for every tensor). An optional value has to be tested first.

Wrong:
    def add(x: Delta[*s], mask: Tensor[*s]?) -> Delta[*s] = x * mask
Right:
    def add(x: Delta[*s], mask: Tensor[*s]?) -> Delta[*s] = x * (mask ?? 1)`,
  },
  T002: {
    title: "Weight + Weight",
    page: `A Weight is a point, a Delta a difference. The sum of two points means nothing: it has twice the size of either.
Averages are written \`mean(ws)\` or \`mix(ws, coefficients)\`; a change is added as a Delta.

Wrong:
    return a + b
Right:
    return mean([a, b])
    return base + (a - base) + (b - base)`,
  },
  T003: {
    title: "missing argument",
    page: `Every parameter without a default needs an argument. \`..\` as the last argument passes on what the surrounding
definition has under the same names.

Wrong:
    keep_largest(x)
Right:
    keep_largest(x, density = 20%)`,
  },
  T004: {
    title: "too many arguments",
    page: `There are more arguments than parameters. Several values for one parameter are a list.

Wrong:
    ties(base, math, code)
Right:
    ties(base, [math, code])`,
  },
  T005: {
    title: "not a function",
    page: `Only functions are called: definitions, builtins, parameters of a function type and lambdas. A parameter named like a
builtin hides it.

Wrong:
    def top(x: Tensor[*s], rank: Int) -> Tensor[*s] = where(rank(x) < rank, x, 0)
Right:
    def top(x: Tensor[*s], k: Int) -> Tensor[*s] = where(rank(x) < k, x, 0)`,
  },
  T006: {
    title: "condition is not a Bool",
    page: `A condition is true or false; a number or a tensor is not. Compare it.

Wrong:
    if len(xs) { return base }
    where(mass, x, 0)
Right:
    if len(xs) > 0 { return base }
    where(mass != 0, x, 0)`,
  },
  T007: {
    title: "running value where a static one is needed",
    page: `What decides about structure (a condition of \`if\` and \`match\`, a length, an index of a list) is settled while the graph
is built. A value computed from tensors is only known during the run. Choose between values with a mask instead.

Wrong:
    if norm(x) > 1 { return x / norm(x) }
    return x
Right:
    return where(norm(x) > 1, x / norm(x), x)`,
  },
  T008: {
    title: "operator not defined for these operands",
    page: `Arithmetic and comparisons work on numbers and tensors, \`and\`, \`or\`, \`not\` on truth values, \`++\` on lists, \`@\` on
matrices. Lists are not added entry by entry.

Wrong:
    let both = xs + ys
Right:
    let both = xs ++ ys
    let sums = [x + y for (x, y) in zip(xs, ys)]`,
  },
  T009: {
    title: "not every path returns",
    page: `A body gives its value by \`return\`, on every path. A definition of one expression may be written with \`=\`.

Wrong:
    def half(x: Delta[*s]) -> Delta[*s] { x / 2 }
Right:
    def half(x: Delta[*s]) -> Delta[*s] { return x / 2 }
    def half(x: Delta[*s]) -> Delta[*s] = x / 2`,
  },
  T010: {
    title: "match is not exhaustive, or an arm is never reached",
    page: `A \`match\` has an arm for every value, and every arm takes a value that those above leave. Shapes and lists have any
length, so they need \`_\` or a pattern with \`*rest\`.

Wrong:
    match shape(x) { [out, in] => x.T }
Right:
    match shape(x) { [out, in] => x.T, _ => x }`,
  },
  T011: {
    title: "bad index",
    page: `Lists are indexed by one Int or one range, tensors by one Int, range, \`:\`, \`none\` or \`...\` for each axis, models by the
name of a tensor. Records and numbers have no elements.

Wrong:
    let last = xs[len(xs) / 2]
Right:
    let last = xs[div(len(xs), 2)]`,
  },
  T012: {
    title: "not one of the words",
    page: `A union of words has exactly the words it lists; so have kinds, roles, scopes and dtypes.

Wrong:
    ties(base, experts, agg = "average")
Right:
    ties(base, experts, agg = "mean")`,
  },
  T013: {
    title: "a merge declares its types",
    page: `The types of a merge say how it acts on models: a parameter of type Weight runs tensor by tensor, a List[Weight] takes a
list of models. So all parameters and the result declare them.

Wrong:
    merge half(base, other) { return mean([base, other]) }
Right:
    merge half(base: Weight[*s], other: Weight[*s]) -> Weight[*s] { return mean([base, other]) }`,
  },
  T014: {
    title: "only in recipes",
    page: `\`load\`, \`save\`, \`report\` and \`input\` stand in recipes. Definitions are pure: they get values and give values, so they
can be used anywhere and cannot harm.

Wrong:
    def both() { return [load("a"), load("b")] }
Right:
    recipe both { let models = [load("a"), load("b")] ... }`,
  },
  T015: {
    title: "ranks used as values",
    page: `\`rank(x)\` over a tensor or the model is threshold selection: it is compared with a number of entries, and the ranks
themselves are never computed or stored. Over a row it is an ordinary tensor.

Wrong:
    let share = rank(x) / size(x)
Right:
    let top   = rank(x) < size(x) / 2
    let share = rank(x, row) / size(x, row)`,
  },
};

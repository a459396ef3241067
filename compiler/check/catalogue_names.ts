/** Codes about names: what is not defined, defined twice, hidden, or used in a circle. */
import type { Catalogue } from "../../grammar/index.js";

export const nameCodes: Catalogue = {
  N001: {
    title: "unknown name",
    page: `A name has to come from somewhere: a parameter, a \`let\`, a definition of the same file, a \`use\`, or the builtins.
A bare word stands for a text only where a union of words, a kind or a role is expected.

Wrong:
    def shrink(x: Delta[*s]) -> Delta[*s] = factor * x
Right:
    def shrink(x: Delta[*s], factor: Float) -> Delta[*s] = factor * x`,
  },
  N002: {
    title: "name defined twice",
    page: `One name has one meaning in a file. Parameters and variables may hide names of the standard library, but not
definitions of their own file, because a reader would take one for the other. \`let x = f(x)\` is fine: it makes a new value.

Wrong:
    def scale(x: Delta[*s]) -> Delta[*s] = 2 * x
    def twice(x: Delta[*s], scale: Float) -> Delta[*s] = scale * x
Right:
    def twice(x: Delta[*s], factor: Float) -> Delta[*s] = factor * x`,
  },
  N003: {
    title: "unknown field",
    page: `A field has to be one of the value's. Records have the fields that they declare; tensors have \`.T\` and \`.mT\`; \`here\`
has the facts about a place: name, kind, role, layer, layers, stack, depth, place, shape, dtype.

Wrong:
    let w = if here.type == "linear" then 1 else 0
Right:
    let w = if here.kind == "linear" then 1 else 0`,
  },
  N004: {
    title: "unknown parameter name",
    page: `A named argument has to be one of the parameters of the function, spelt as in its definition. Nothing is ignored: a
misspelt name would otherwise leave the default in force.

Wrong:
    ties(base, experts, densty = 30%)
Right:
    ties(base, experts, density = 30%)`,
  },
  N005: {
    title: "argument given twice",
    page: `Each parameter takes one argument. Positional arguments take the next parameter that has none yet.

Wrong:
    clamp(x, 0, low = 1, high = 2)
Right:
    clamp(x, low = 1, high = 2)`,
  },
  N006: {
    title: "unknown module or file",
    page: `\`use\` names a module of the standard library (\`std.merge\`) or, in quotes, a file relative to this one.

Wrong:
    use std.merges.{ties}
    use mine.{blend}
Right:
    use std.merge.{ties}
    use "./mine.peft".{blend}`,
  },
  N007: {
    title: "the module has no such name",
    page: `Only definitions of the module itself can be brought in, under the name they have there.

Wrong:
    use std.merge.{tis}
Right:
    use std.merge.{ties}
    use std.merge.{ties as trimmed_merge}`,
  },
  N008: {
    title: "definitions or files that need themselves",
    page: `The text of a definition is followed while the graph is built, and this always ends: no definition may use itself,
directly or through others, and no file may use itself. Repetition is a \`fold\` over a list.

Wrong:
    def power(x: Float, n: Int) -> Float = if n == 0 then 1 else x * power(x, n - 1)
Right:
    def power(x: Float, n: Int) -> Float = fold(0..n, 1.0, (p, _) => p * x)`,
  },
  N009: {
    title: "unused import or let",
    page: `Something is brought in or computed and never read. That is a warning: often a name was misspelt further down.
A name that begins with \`_\` is meant to be unused.

Wrong:
    let deltas = [e - base for e in experts]
    return base + sum(delta)
Right:
    let deltas = [e - base for e in experts]
    return base + sum(deltas)`,
  },
};

/**
 * The mistakes that reading a file can find: codes S001 to S016, with the pages that `peftc explain` prints.
 */
import type { Catalogue } from "./diagnostic.js";

export const syntaxCatalogue: Catalogue = {
  S001: {
    title: "something else was expected here",
    page: `The text stops making sense at the marked place: the message names what could stand there and what does.
Often the real slip is just before it, a missing comma, operator or name.

Wrong:  let kept = keep_largest(d density)
Right:  let kept = keep_largest(d, density)`,
  },
  S002: {
    title: "a bracket is never closed",
    page: `Every \`(\`, \`[\` and \`{\` needs its partner. Inside \`(\` and \`[\` lines run on, so a forgotten \`)\` would swallow what
follows; reading resumes at the next line that cannot be inside a bracket: a \`let\`, a \`return\`, a new definition.

Wrong:  let d = mean(experts
        let n = 2
Right:  let d = mean(experts)
        let n = 2`,
  },
  S003: {
    title: "a closing bracket has no partner",
    page: `There is a \`)\`, \`]\` or \`}\` more than was opened, or it closes another kind of bracket.

Wrong:  return base + lambda * sum(agree))
Right:  return base + lambda * sum(agree)`,
  },
  S004: {
    title: "a character has no meaning here",
    page: `Outside of strings and comments a file holds names of the letters a-z and A-Z, digits and \`_\`, numbers and the signs
of the language. Dashes and quotes that a word processor made look right and are others.

Wrong:  let a = b – c
Right:  let a = b - c`,
  },
  S005: {
    title: "a string does not end on its line",
    page: `A string begins and ends with \`"\` on one line. Write a line break inside it as \`\\n\`, a quote as \`\\"\`.

Wrong:  let base = load("models/base)
Right:  let base = load("models/base")`,
  },
  S006: {
    title: "an escape in a string means nothing",
    page: `After a backslash stand \`n\`, \`t\`, \`"\`, \`\\\`, \`$\` or \`u{…}\` with the number of a character in hexadecimal digits.

Wrong:  "models\\base"
Right:  "models/base"   or   "models\\\\base"`,
  },
  S007: {
    title: "a number cannot be read",
    page: `Numbers are written \`12\`, \`1_000\`, \`0.5\`, \`1e-4\`; with \`%\` glued on a fraction, \`20%\`; with a unit a size in bytes:
KB MB GB TB (thousands), KiB MiB GiB TiB (1024). An integer must be below 2^53, a size a whole number of bytes.

Wrong:  shard = 5gb
Right:  shard = 5GB`,
  },
  S008: {
    title: "an expression is nested too deeply",
    page: `Brackets may be nested 200 deep, and 500 operators may follow each other. Nobody writes more by hand; a program that
writes \`.peft\` files should name the parts.

Wrong:  a + a + a + … (thousands of terms)
Right:  sum([a for _ in 0..n])`,
  },
  S009: {
    title: "comparisons and ranges do not chain",
    page: `A comparison gives a Bool, which the next comparison could not use; a range has two ends.

Wrong:  if 0 < density < 1 { … }
Right:  if 0 < density and density < 1 { … }`,
  },
  S010: {
    title: "a range has no end",
    page: `Only between the brackets of an index may a range leave out an end: there it means the first or the last position.

Wrong:  for i in 1.. 
Right:  for i in 1..len(xs)   and   xs[1..]`,
  },
  S011: {
    title: "a sign of another language",
    page: `Words stand for the logical operators: \`and\`, \`or\`, \`not\`; they work elementwise on bool tensors too. Powers are
\`^\`, comments \`//\`, strings in double quotes. Values do not change: a new \`let\` makes a new value. Only the state of
a module is assigned, as a whole: \`m <- e\`.

Wrong:  if a && !b { … }
Right:  if a and not b { … }`,
  },
  S012: {
    title: "a schedule varies by something unknown",
    page: `A schedule is \`by depth { a .. b }\`, cases \`by layer | name | kind | role | place | stack | step { key => value, else value }\`, or
\`by step { warmup n, CURVE }\`, where the curve is \`constant a\`, \`linear a .. b\`, \`cosine a .. b\` or
\`polynomial a .. b power p\`, and the warm-up may be left out.

Wrong:  lambda = by stage { 0.6 .. 1.0 }
Right:  lambda = by depth { 0.6 .. 1.0 }`,
  },
  S013: {
    title: "something stands after the rest",
    page: `\`..\` as an argument passes the parameters that remain, \`..\` as a parameter takes them, \`*rest\` in a pattern takes
the items that remain: all stand last. Only named arguments may follow a \`..\`: \`host(x, .., mask = m)\`.

Wrong:  ties(.., base)
Right:  ties(base, ..)`,
  },
  S014: {
    title: "`input` stands outside of a recipe's own statements",
    page: `An \`input\` is a setting of a whole recipe, given with \`--set\`; it stands directly between the recipe's braces. What
varies from call to call is a parameter.

Wrong:  merge m(base: Weight[*s]) -> Weight[*s] { input density: Fraction = 20% … }
Right:  merge m(base: Weight[*s], density: Fraction = 20%) -> Weight[*s] { … }`,
  },
  S015: {
    title: "something that this version does not have",
    page: `\`sampler\` definitions, and the members \`export\` and \`base weight\` of adapters, are kept for later versions.

Wrong:  adapter lora(rank: Int) on linear { export merged … }
Right:  adapter lora(rank: Int) on linear { param shift: Tensor[out] = zeros() … }`,
  },
  S016: {
    title: "no definition begins here",
    page: `A file is a list of definitions: \`use\`, \`def\`, \`merge\`, \`recipe\`, \`record\`, \`module\`, \`adapter\`, \`router\`,
\`optimizer\`, each on a line of its own. Statements stand inside the braces of one.

Wrong:  let base = load("models/base")
Right:  recipe r { let base = load("models/base") … }`,
  },
};

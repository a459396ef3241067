/** The mistakes between a command and its recipe, by code: what `peftc explain C0xx` prints. */
import type { Catalogue } from "../../grammar/index.js";

export const compileCatalogue: Catalogue = {
  C001: {
    title: "the file is not a text",
    page: `A \`.peft\` file is a text in UTF-8. The file that was named holds other bytes: perhaps it is a checkpoint, or a text
in another encoding.

Wrong:  peftc run models/base/model.safetensors
Right:  peftc run recipe.peft`,
  },
  C002: {
    title: "the file has several recipes",
    page: `A file may hold any number of recipes, but a run is of one. \`peftc check\` looks at all of them.

Wrong:  peftc run merges.peft
Right:  peftc run merges.peft --recipe math_and_code`,
  },
  C003: {
    title: "the file has no recipe of this name",
    page: `\`--recipe\` takes the name behind the word \`recipe\`, as it is written in the file. Recipes of files that are brought in
by \`use\` do not count.

Wrong:  peftc run merges.peft --recipe math-and-code
Right:  peftc run merges.peft --recipe math_and_code`,
  },
  C004: {
    title: "the file has no recipe to run",
    page: `A file of definitions alone can be checked and used by other files, but there is nothing to run in it. A recipe says
which models to load, what to do and where to save.

Wrong:  peftc run my_method.peft           // holds only \`merge my_method(…)\`
Right:  recipe try_it { let m = my_method(load("a"), load("b"))  save(m, to = "out") }`,
  },
};

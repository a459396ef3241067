/** Builtin functions of values at positions: sums of rows by index, and positions as other libraries draw them. */
import { stop } from "../context.js";
import { staticInt } from "../evaluate.js";
import { makeNode } from "../operators.js";
import { twisterPermutation } from "../twister.js";
import { int, list, tensor } from "../value.js";
import { type Builtin, tensorArg } from "./builtin.js";

const mostPositions = 2 ** 22;

export const positions: Readonly<Record<string, Builtin>> = {
  scatter_add: {
    params: ["i", "rows", "n"],
    lifts: true,
    run(context, { values, span }) {
      const [indices, rows] = ["i", "rows"].map((name) => tensorArg(context, values.get(name)!, span).node);
      const length = staticInt(context, values.get("n")!, span);
      if (length < 0) return stop(context, "H005", `a length is at least 0, found ${length}`, span);
      return tensor(makeNode(context, "scatter_add", [indices, rows], { length }, span));
    },
  },
  twister_permutation: {
    params: ["n", "count", "seed"],
    lifts: false,
    run(context, { values, span }) {
      const [n, count, seed] = ["n", "count", "seed"].map((name) => staticInt(context, values.get(name)!, span));
      if (n < 0 || n > 2 ** 32 - 1 || count < 0 || count > mostPositions)
        return stop(
          context,
          "T008",
          `expected at most ${mostPositions} of less than 2^32 positions, found ${count} of ${n}`,
          span,
        );
      return list(twisterPermutation(n, count, seed).map(int));
    },
  },
};

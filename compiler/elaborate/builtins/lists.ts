/** Builtin functions on lists and functions, and `require`. Models are values like any other here. */

import { apply } from "../call.js";
import { type Context, stop } from "../context.js";
import { itemsOf, show } from "../evaluate.js";
import { describe, int, list, text, type Value } from "../value.js";
import type { Builtin } from "./builtin.js";
import { rowsIn } from "./datasets.js";

const sorted = (context: Context, items: readonly Value[], span: { start: number; end: number }): Value => {
  const numbers = items.map((v) =>
    v.kind === "number" ? v : stop(context, "T001", `sort takes static numbers, found ${describe(v)}`, span),
  );
  return list([...numbers].sort((a, b) => a.value - b.value));
};

export const lists: Readonly<Record<string, Builtin>> = {
  len: {
    params: ["x"],
    lifts: false,
    run(context, { values, span }) {
      const x = values.get("x")!;
      if (x.kind === "tensor" && x.node.shape.length > 0) return int(x.node.shape[0]);
      if (x.kind === "string") return int([...x.value].length);
      if (x.kind === "tree") return int(x.leaves.size);
      if (x.kind === "table") return int(rowsIn(x));
      if (x.kind === "record") return int(x.fields.size);
      return int(itemsOf(context, x, span).length);
    },
  },
  enumerate: {
    params: ["xs"],
    lifts: false,
    run: (context, { values, span }) =>
      list(itemsOf(context, values.get("xs")!, span).map((v, i) => ({ kind: "tuple", items: [int(i), v] }))),
  },
  zip: {
    params: ["..."],
    lifts: false,
    run(context, { rest, span }) {
      const lists = rest.map((v) => itemsOf(context, v, span));
      const [first] = lists;
      if (first === undefined) return stop(context, "T003", "zip needs at least one list", span);
      const lengths = lists.map((l) => l.length);
      if (lengths.some((n) => n !== first.length)) {
        return stop(context, "T001", `zip needs lists of one length, found lengths ${lengths.join(", ")}`, span);
      }
      return list(first.map((_, i) => ({ kind: "tuple", items: lists.map((l) => l[i]) })));
    },
  },
  entries: {
    params: ["r"],
    lifts: false,
    run(context, { values, span }) {
      const r = values.get("r")!;
      if (r.kind !== "record") return stop(context, "T001", `entries takes a record, found ${describe(r)}`, span);
      return list([...r.fields].map(([name, value]) => ({ kind: "tuple", items: [text(name), value] })));
    },
  },
  from_entries: {
    params: ["pairs"],
    lifts: false,
    run(context, { values, span }) {
      const pairs = itemsOf(context, values.get("pairs")!, span).map((pair): [string, Value] => {
        const [name, value] = pair.kind === "tuple" && pair.items.length === 2 ? pair.items : [];
        if (name?.kind === "string" && value !== undefined) return [name.value, value];
        return stop(context, "T001", `from_entries takes pairs of a name and a value, found ${describe(pair)}`, span, {
          help: 'write from_entries([("rank", 8), ("rate", 0.1)])',
        });
      });
      const fields = new Map(pairs);
      if (fields.size === pairs.length) return { kind: "record", fields };
      return stop(context, "T001", "from_entries was given one name twice", span, { help: "give each name once" });
    },
  },
  fold: {
    params: ["xs", "init", "f"],
    lifts: false,
    run(context, { values, span }) {
      let state = values.get("init")!;
      for (const item of itemsOf(context, values.get("xs")!, span))
        state = apply(context, values.get("f")!, [state, item], span);
      return state;
    },
  },
  map: {
    params: ["f", "xs"],
    lifts: false,
    run: (context, { values, span }) =>
      list(itemsOf(context, values.get("xs")!, span).map((v) => apply(context, values.get("f")!, [v], span))),
  },
  sort: {
    params: ["xs"],
    lifts: false,
    run: (context, { values, span }) => sorted(context, itemsOf(context, values.get("xs")!, span), span),
  },
  reverse: {
    params: ["xs"],
    lifts: false,
    run: (context, { values, span }) => list([...itemsOf(context, values.get("xs")!, span)].reverse()),
  },
  str: { params: ["x"], lifts: false, run: (context, { values, span }) => text(show(context, values.get("x")!, span)) },
  require: {
    params: ["condition", "message"],
    lifts: true,
    run(context, { values, span }) {
      const condition = values.get("condition")!;
      const message = values.get("message")!;
      const words = message.kind === "string" ? message.value : describe(message);
      if (condition.kind === "bool")
        return condition.value ? { kind: "none" } : stop(context, "R020", words, span, { label: "required here" });
      if (condition.kind === "tensor" && condition.node.shape.length === 0) {
        context.session.requirements.push({
          node: condition.node,
          message: words,
          at: { file: context.file, span },
          place: context.here?.place.name ?? "",
        });
        return { kind: "none" };
      }
      return stop(context, "T006", `require takes a Bool, found ${describe(condition)}`, span);
    },
  },
};

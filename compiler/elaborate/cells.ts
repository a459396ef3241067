/**
 * What changes while a module runs. In: a module instance in a tree and the context of its call. Out: cells for its
 * carries (they live as long as the call of the model), its buffers and states (kept where `assigned` collects them), in
 * a `rule` its parameters; and the values of its `side` fields, which enclosing calls were given. Spec:
 * spec/language.md, "Adapters".
 */
import type { Member, Span } from "../../grammar/index.js";
import { showShape } from "../ir/index.js";
import { type Cell, type Context, type Flow, inner, stop } from "./context.js";
import { evaluate } from "./evaluate.js";
import { initialValue } from "./initial.js";
import { makeNode } from "./operators.js";
import { coerce, forgetAxes, shapeOfType } from "./types.js";
import { describe, type ModuleValue, none, type TreeValue, tensor, type Value } from "./value.js";

type Field = Extract<Member, { kind: "field" }>;

/** Runs `f` as a call of its own: what it carries begins anew, and losses of groups are computed when it ends. */
export function inFlow<T>(context: Context, f: (scope: Context) => T): T {
  const flow: Flow = { carried: new Map(), ends: new Map() };
  const result = f({ ...context, flow });
  for (const end of flow.ends.values()) end();
  for (const [key, value] of flow.carried) context.flow?.carried.set(key, value);
  return result;
}

/** The cells of an instance; with `inRule`, parameters take values too. */
export function cellsOf(scope: Context, tree: TreeValue, inRule: boolean): Map<string, Cell> {
  const module = tree.module!;
  const cells = new Map<string, Cell>();
  for (const member of module.definition.members) {
    if (member.kind !== "field") continue;
    const { role, name } = member;
    if (role === "carry") cells.set(name.text, carryCell(scope, module, member));
    const leaf = module.fields.get(name.text);
    const kept = role === "buffer" || role === "state" || (role === "param" && inRule);
    if (kept && leaf !== undefined) cells.set(name.text, tensorCell(scope, tree, member, leaf));
  }
  return cells;
}

function carryCell(scope: Context, module: ModuleValue, member: Field): Cell {
  const carried = scope.flow?.carried ?? new Map<string, Value>();
  const sharer = member.sharing === "global" ? (module.group?.all ?? module.group) : module.group;
  const whose = member.sharing === "own" || sharer === undefined ? module.path : `${sharer.id}${module.within ?? ""}`;
  const key = `${whose} ${member.name.text}`;
  return {
    read() {
      const value = carried.get(key) ?? firstCarried(scope, member);
      carried.set(key, value);
      return value;
    },
    write(value, span) {
      const at = { file: scope.file, span };
      const typed = member.type === null ? value : coerce(inner(scope), value, member.type, at, member.name.text);
      carried.set(key, forgetAxes(typed));
    },
  };
}

function firstCarried(scope: Context, member: Field): Value {
  if (member.value === null)
    return stop(scope, "T024", `the carry ${member.name.text} is read before it has a value`, member.span, {
      help: "give it a first value: carry x: Tensor[n] = zeros()",
    });
  const at = inner(scope);
  return member.type?.kind === "tensor"
    ? initialValue(at, member.value, shapeOfType(at, member.type))
    : evaluate(at, member.value);
}

/** A tensor of the tree. What is assigned is a constant for gradients. */
function tensorCell(scope: Context, tree: TreeValue, member: Field, leaf: string): Cell {
  const written = scope.assigned ?? new Map<string, Value>();
  const stored = tree.leaves.get(leaf)!.value;
  return {
    read() {
      const value = written.get(leaf) ?? stored;
      const at = { file: scope.file, span: member.span };
      return member.type === null ? value : coerce(inner(scope), value, member.type, at, describe(value));
    },
    write(value, span) {
      const like = stored.kind === "tensor" ? stored.node : null;
      const given =
        value.kind === "number" ? tensor(scope.graph.constant(value.value, !value.integer)) : forgetAxes(value);
      if (like === null || given.kind !== "tensor" || showShape(given.node.shape) !== showShape(like.shape))
        return stop(
          scope,
          "H002",
          `${member.name.text} is ${describe(stored)}, and cannot become ${describe(value)}`,
          span,
        );
      const to = like.dtype === "f32" || like.dtype === "f64" ? "float" : like.dtype === "bool" ? "bool" : "int";
      const node = given.node.dtype === like.dtype ? given.node : makeNode(scope, "cast", [given.node], { to }, span);
      written.set(leaf, tensor(makeNode(scope, "stop_gradient", [node], {}, span)));
    },
  };
}

/** The value of a `side` field: an argument of an enclosing call by its name, else its own first value, else none. */
export function sideValue(scope: Context, member: Field, definition: string): Value {
  const given = scope.sides?.get(member.name.text);
  if (given !== undefined && given.value.kind !== "none")
    return member.type === null ? given.value : coerce(scope, given.value, member.type, given.at, member.name.text);
  if (member.value !== null) return evaluate(inner(scope), member.value);
  if (member.type === null || member.type.kind === "optional") return none;
  return stop(
    scope,
    "T003",
    `${definition} reads ${member.name.text}, which no enclosing call was given`,
    member.span,
    {
      help: `call the model with ${member.name.text} = .., or with a batch that has this column`,
    },
  );
}

/** The next value of what was assigned to inside `f`, in trees: (result of f, trees). */
export function assignedIn(context: Context, trees: Value, f: (scope: Context) => Value, span: Span): Value {
  const assigned = new Map<string, Value>();
  const result = f({ ...context, assigned });
  const next = replaceAll(context, trees, assigned, span);
  return { kind: "tuple", items: [result, next] };
}

function replaceAll(context: Context, value: Value, by: ReadonlyMap<string, Value>, span: Span): Value {
  switch (value.kind) {
    case "list":
    case "tuple":
      return { ...value, items: value.items.map((v) => replaceAll(context, v, by, span)) };
    case "record":
      return {
        ...value,
        fields: new Map([...value.fields].map(([name, v]) => [name, replaceAll(context, v, by, span)])),
      };
    case "tree": {
      const leaves = [...value.leaves].map(
        ([name, leaf]) => [name, { ...leaf, value: by.get(name) ?? leaf.value }] as const,
      );
      return { ...value, leaves: new Map(leaves) };
    }
    default:
      return stop(context, "T001", `assigned takes trees, found ${describe(value)}`, span);
  }
}

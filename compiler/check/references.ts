/**
 * The free names of a definition: every name that its text uses and does not bind itself. In: a definition. Out: the
 * names with their places, types' names included. From them follow which definitions need which (no recursion) and which
 * imports are used. Dimension names of types are not references: they bind on first use.
 */
import type {
  Argument,
  Block,
  Definition,
  Expr,
  IndexItem,
  MatchPattern,
  Member,
  ModuleDefinition,
  Name,
  Param,
  Pattern,
  Statement,
  TypeExpr,
} from "../../grammar/index.js";

/** Names bound around an expression, innermost first. */
type Bound = { readonly name: string; readonly outer: Bound } | null;

/** Deeper trees than this only come from generated text; what lies below is left to the elaborator. */
const MAX_DEPTH = 1000;

export function freeNames(definition: Definition): readonly Name[] {
  const found: Name[] = [];
  let depth = 0;

  const isBound = (name: string, bound: Bound): boolean => {
    for (let b = bound; b !== null; b = b.outer) if (b.name === name) return true;
    return false;
  };
  const bind = (name: string, outer: Bound): Bound => ({ name, outer });
  const bindPattern = (p: Pattern, bound: Bound): Bound => {
    if (p.kind === "name") return bind(p.name.text, bound);
    if (p.kind === "record") return p.fields.reduce((b, field) => bindPattern(field.pattern, b), bound);
    return p.kind === "tuple" ? p.items.reduce((b, item) => bindPattern(item, b), bound) : bound;
  };
  const use = (name: Name, bound: Bound): void => {
    if (!isBound(name.text, bound)) found.push(name);
  };

  const type = (t: TypeExpr | null): void => {
    if (t === null) return;
    switch (t.kind) {
      case "named":
        found.push(t.name);
        for (const a of t.args) type(a);
        return;
      case "optional":
        type(t.of);
        return;
      case "tuple":
        for (const item of t.items) type(item);
        return;
      case "record":
        for (const f of t.fields) type(f.type);
        return;
      case "function":
        for (const p of t.params) type(p);
        type(t.result);
        return;
      case "tensor":
      case "union":
        return;
    }
  };
  const params = (all: readonly Param[], bound: Bound): Bound =>
    all.reduce((inner, p) => {
      type(p.type);
      if (p.default) expr(p.default, inner);
      return bindPattern(p.pattern, inner);
    }, bound);
  const pattern = (p: MatchPattern, bound: Bound): Bound => {
    switch (p.kind) {
      case "name":
        use(p.name, bound);
        return bind(p.name.text, bound);
      case "literal":
        expr(p.value, bound);
        return bound;
      case "tuple":
        return p.items.reduce((b, item) => pattern(item, b), bound);
      case "list": {
        const inner = p.items.reduce((b, item) => pattern(item, b), bound);
        return p.rest ? bind(p.rest.text, inner) : inner;
      }
      case "wildcard":
      case "none":
        return bound;
    }
  };
  const block = (b: Block, bound: Bound): void => {
    b.statements.reduce((inner: Bound, s) => statement(s, inner), bound);
  };
  const statement = (s: Statement, bound: Bound): Bound => {
    switch (s.kind) {
      case "let":
        return s.bindings.reduce((inner: Bound, b) => {
          type(b.type);
          expr(b.value, inner);
          return bindPattern(b.pattern, inner);
        }, bound);
      case "input":
        type(s.type);
        if (s.default) expr(s.default, bound);
        return bind(s.name.text, bound);
      case "assign":
        use(s.name, bound);
        expr(s.value, bound);
        return bound;
      case "if":
        expr(s.condition, bound);
        block(s.then, bound);
        if (s.else) block(s.else, bound);
        return bound;
      case "return":
      case "loss":
      case "emit":
      case "report":
      case "expression":
        expr(s.value, bound);
        return bound;
    }
  };
  const args = (all: readonly Argument[], bound: Bound): void => {
    for (const a of all) if (a.value) expr(a.value, bound);
  };
  const index = (item: IndexItem, bound: Bound): void => {
    if (item.kind === "at") expr(item.value, bound);
    if (item.kind === "slice") {
      if (item.from) expr(item.from, bound);
      if (item.to) expr(item.to, bound);
    }
  };
  const expr = (e: Expr, bound: Bound): void => {
    if (depth >= MAX_DEPTH) return;
    depth++;
    inside(e, bound);
    depth--;
  };
  const inside = (e: Expr, bound: Bound): void => {
    switch (e.kind) {
      case "name":
        use(e.name, bound);
        return;
      case "string":
        for (const part of e.parts) if (typeof part !== "string") expr(part, bound);
        return;
      case "list":
      case "tuple":
        for (const item of e.items) expr(item, bound);
        return;
      case "comprehension": {
        const inner = e.clauses.reduce((b: Bound, c) => {
          expr(c.kind === "for" ? c.source : c.condition, b);
          return c.kind === "for" ? bindPattern(c.pattern, b) : b;
        }, bound);
        expr(e.value, inner);
        return;
      }
      case "record":
        for (const f of e.fields) expr(f.value, bound);
        return;
      case "with":
        expr(e.target, bound);
        expr(e.value, bound);
        return;
      case "call":
        expr(e.callee, bound);
        args(e.args, bound);
        return;
      case "index":
        expr(e.target, bound);
        for (const item of e.items) index(item, bound);
        return;
      case "field":
        expr(e.target, bound);
        return;
      case "unary":
        expr(e.value, bound);
        return;
      case "binary": {
        let left: Expr = e;
        while (left.kind === "binary") {
          expr(left.right, bound);
          left = left.left;
        }
        expr(left, bound);
        return;
      }
      case "range":
        if (e.from) expr(e.from, bound);
        if (e.to) expr(e.to, bound);
        return;
      case "if":
        expr(e.condition, bound);
        expr(e.then, bound);
        expr(e.else, bound);
        return;
      case "match":
        expr(e.subject, bound);
        for (const arm of e.arms) block(arm.body, pattern(arm.pattern, bound));
        return;
      case "lambda":
        block(e.body, params(e.params, bound));
        return;
      case "schedule":
        for (const a of e.anchors) expr(a, bound);
        for (const c of e.cases) {
          expr(c.key, bound);
          expr(c.value, bound);
        }
        for (const other of [e.otherwise, e.warmup, e.curve?.from, e.curve?.to, e.curve?.power])
          if (other) expr(other, bound);
        return;
      case "where":
        expr(e.call, bound);
        expr(e.condition, bound);
        if (e.otherwise) expr(e.otherwise, bound);
        return;
      case "number":
      case "bool":
      case "none":
      case "error":
        return;
    }
  };

  const member = (m: Member, bound: Bound): Bound => {
    switch (m.kind) {
      case "field":
        type(m.type);
        for (const e of [m.value, m.condition, m.as?.path, m.as?.condition]) if (e) expr(e, bound);
        return bound;
      case "child":
      case "delta":
      case "weight":
      case "config":
      case "tune":
        expr(m.value, bound);
        return bound;
      case "function": {
        const inner = params(m.params, bound);
        type(m.result);
        block(m.body, inner);
        return bound;
      }
      case "load":
        block(m.body, bound);
        return bound;
      case "statement":
        return statement(m.statement, bound);
    }
  };
  /** Functions are in scope everywhere and see all; other members are in scope in those that follow. */
  const members = (d: ModuleDefinition): void => {
    const outer = params(d.on?.params ?? [], params(d.params, null));
    const host = d.on === null ? outer : bind(d.on.alias?.text ?? "host", outer);
    if (d.on?.groupBy) expr(d.on.groupBy, host);
    type(d.result);
    const functions = d.members.filter((m) => m.kind === "function");
    const named = functions.reduce((bound: Bound, f) => bind(f.name.text, bound), host);
    const all = d.members.reduce((bound: Bound, m) => {
      if (m.kind === "function") return bound;
      const after = member(m, bound);
      return m.kind === "field" || m.kind === "child" ? bind(m.name.text, after) : after;
    }, named);
    for (const f of functions) member(f, all);
  };

  if ("members" in definition) {
    members(definition);
  } else if (definition.kind === "recipe") {
    args(definition.options, null);
    block(definition.body, null);
  } else if (definition.kind === "record") {
    params(definition.fields, null);
  } else {
    const inner = params(definition.params, null);
    type(definition.result);
    block(definition.body, inner);
  }
  return found;
}

/**
 * Typing rules of builtins about shapes: taking them apart, making tensors of a shape, rearranging, joining, drawing.
 * In: a call at one place. Out: the type of its value; H005 where ranks or element counts certainly do not fit.
 */
import { axisOf, type BuiltinCall, plain, typeOfArg } from "./builtin_call.js";
import { report } from "./context.js";
import { constant, constantOf, differ } from "./polynomial.js";
import { type Axis, axis, elements, rankOf, type Shape, showShape } from "./shape.js";
import {
  atPlace,
  error,
  isNumeric,
  isQuiet,
  list,
  number,
  numberOrTensor,
  type Space,
  showType,
  type Type,
  tensor,
  unknown,
} from "./types.js";

export function typeOfShape(call: BuiltinCall): Type {
  const x = typeOfArg(call, "x");
  return list(number("Int"), x.kind === "tensor" ? x.shape : x.kind === "number" ? [] : null);
}

export function typeOfLen(call: BuiltinCall): Type {
  const x = typeOfArg(call, "x");
  if (x.kind === "list") {
    const rank = rankOf(x.lengths);
    return number("Int", "static", rank === null ? null : constant(rank));
  }
  if (x.kind === "tensor") {
    const first = rankOf(x.shape) === 1 ? x.shape![0] : null;
    return number("Int", "static", first?.kind === "size" ? first.length : null);
  }
  if (x.kind === "tuple") return number("Int", "static", constant(x.items.length));
  if (!isQuiet(x) && x.kind !== "tree" && x.kind !== "model" && x.kind !== "string" && x.kind !== "words") {
    report(call.cx, "T001", `\`len\` takes a list or a tensor, found ${showType(x)}`, call.one("x")!.span);
    return error;
  }
  return number("Int");
}

/** The shape a list of lengths describes; -1 is a length that follows from the others. */
function shapeOfLengths(type: Type): Shape {
  if (type.kind !== "list" || type.lengths === null) return null;
  return type.lengths.map((a) =>
    a.kind === "size" && a.length !== null && constantOf(a.length) === -1 ? axis(null) : a,
  );
}

export function typeOfReshape(call: BuiltinCall): Type {
  const given = call.one("x");
  const target = call.one("shape");
  if (given === null || target === null) return error;
  const x = plain(call, given).type;
  const shape = shapeOfLengths(target.type);
  const [before, after] = [x.kind === "tensor" ? x.shape : null, shape];
  if (differ(elements(before), elements(after)) && !call.scope.assumesLengths) {
    report(
      call.cx,
      "H005",
      `${showShape(before)} cannot become ${showShape(after)}: the numbers of elements differ`,
      target.span,
      {
        others: [{ file: call.cx.file, span: given.span, text: `this is ${showShape(before)}` }],
        help: "the product of the lengths has to stay the same",
      },
    );
    return error;
  }
  if (isQuiet(x)) return x.kind === "error" ? error : tensor("Tensor", shape, null);
  return tensor(x.kind === "tensor" ? x.space : "Tensor", shape, x.kind === "tensor" ? x.dtype : "f32");
}

export function typeOfFlatten(call: BuiltinCall): Type {
  const given = call.one("x");
  const x = given ? plain(call, given).type : error;
  if (x.kind !== "tensor") return isQuiet(x) ? x : tensor("Tensor", [axis(constant(1))]);
  return { ...x, shape: [axis(elements(x.shape))] };
}

function elementOf(call: BuiltinCall, param: string): Type {
  const xs = typeOfArg(call, param);
  const of = xs.kind === "list" ? atPlace(xs.of) : xs;
  if (isQuiet(of) || isNumeric(of)) return of;
  report(call.cx, "T001", `\`${call.name}\` takes a list of tensors, found ${showType(xs)}`, call.one(param)!.span);
  return error;
}

export function typeOfConcat(call: BuiltinCall): Type {
  const of = elementOf(call, "xs");
  if (of.kind !== "tensor") return isQuiet(of) ? of : tensor("Tensor", null);
  if (of.shape?.length === 0) {
    report(call.cx, "H005", "tensors of rank 0 have no axis to be joined along", call.span, {
      help: "stack(xs) puts them along a new axis",
    });
    return error;
  }
  const at = axisOf(call, "axis", of.shape);
  if (of.shape === null || at === null) return { ...of, shape: null };
  return { ...of, shape: of.shape.map((a, i) => (i === at && a.kind === "size" ? axis(null, a.name) : a)) };
}

export function typeOfStack(call: BuiltinCall): Type {
  const of = elementOf(call, "xs");
  if (isQuiet(of)) return of;
  const e = call.one("axis")?.expr;
  const name = e?.kind === "name" ? e.name.text : null;
  const at = e === undefined || name !== null ? 0 : e.kind === "number" && e.integer ? e.value : null;
  const space: Space = of.kind === "tensor" ? of.space : "Tensor";
  const shape = of.kind === "tensor" ? of.shape : [];
  const dtype = of.kind === "tensor" ? of.dtype : "f32";
  if (shape === null || at === null || shape.slice(0, at).some((a) => a.kind === "rest"))
    return tensor(space, null, dtype);
  if (at > shape.length) {
    report(call.cx, "H004", `a new axis cannot stand at ${at} in ${showShape(shape)}`, call.one("axis")!.span, {
      help: `the last place for it is ${shape.length}`,
    });
    return error;
  }
  const fresh: Axis = axis(null, name);
  return tensor(space, [...shape.slice(0, at), fresh, ...shape.slice(at)], dtype);
}

export function typeOfIota(call: BuiltinCall): Type {
  const n = typeOfArg(call, "x");
  if (n.kind === "number") return tensor("Tensor", [axis(n.value)], "i32");
  const last = n.kind === "tensor" && n.shape !== null ? n.shape.at(-1) : undefined;
  return tensor("Tensor", [axis(last?.kind === "size" ? last.length : null)], "i32");
}

/** `zeros`, `ones`, `uniform`, `normal`. */
export function typeOfFilled(call: BuiltinCall): Type {
  return numberOrTensor(tensor("Tensor", shapeOfLengths(typeOfArg(call, "shape"))));
}

export function typeOfRandint(call: BuiltinCall): Type {
  return numberOrTensor(tensor("Tensor", shapeOfLengths(typeOfArg(call, "shape")), "i32"));
}

export function typeOfLike(call: BuiltinCall): Type {
  const x = typeOfArg(call, "x");
  const given = call.one("dtype")?.expr;
  const dtype = given === undefined || given.kind === "none" ? "f32" : given.kind === "name" ? given.name.text : null;
  if (x.kind === "tensor") return tensor("Tensor", x.shape, dtype);
  if (x.kind !== "number") return unknown;
  return number(dtype === "bool" ? "Bool" : dtype === "i32" ? "Int" : "Float", "static");
}

export function typeOfDraw(call: BuiltinCall): Type {
  const like = call.one("like")?.type;
  const lengths = call.one("shape")?.type;
  const p = typeOfArg(call, "p");
  if (like?.kind === "tensor") return tensor("Tensor", like.shape, "bool");
  if (lengths !== undefined) return tensor("Tensor", shapeOfLengths(lengths), "bool");
  return tensor("Tensor", p.kind === "tensor" ? p.shape : null, "bool");
}

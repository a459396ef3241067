/**
 * What a lifted call knows about the place it is at, as types: the fields of `here`, and the words that stand for them in
 * a `where` clause. In: the table of fields of compiler/places. Out: types. Spec: spec/language.md, "Places".
 */
import { hereFields, kinds, roles } from "../places/index.js";
import { type Field, list, number, string, type Type, words } from "./types.js";

export const kindWords = words(kinds);
export const roleWords = words(roles);

const types: ReadonlyMap<string, Type> = new Map<string, Type>([
  ["String", string],
  ["String?", { kind: "optional", of: string }],
  ["Kind", kindWords],
  ["Role?", { kind: "optional", of: roleWords }],
  ["Int", number("Int")],
  ["Int?", { kind: "optional", of: number("Int") }],
  ["Float", number("Float")],
  ["List[Int]", list(number("Int"))],
  ["Dtype", { kind: "dtype" }],
]);

/** A type as the table writes it; a union of words is written out there. */
function typeOfField(written: string): Type {
  return types.get(written) ?? words([...written.matchAll(/"([^"]*)"/g)].map((m) => m[1]));
}

export const here: Type = {
  kind: "record",
  name: "here",
  fields: new Map<string, Field>(hereFields.map((f) => [f.name, { type: typeOfField(f.type), optional: false }])),
};

/** The words of a `where` clause. `layer` and `role` are compared as they are: a place without one is not selected. */
export const whereWords: ReadonlyMap<string, Type> = new Map([
  ...hereFields.map((f): [string, Type] => {
    const type = typeOfField(f.type);
    return [f.name, type.kind === "optional" ? type.of : type];
  }),
  ["here", here],
]);

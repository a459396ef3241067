/**
 * What a definition with members offers to those who have an instance of it: fields by name and functions that can be
 * called. In: nothing; members.ts fills these values while it reads a definition. Types are in the definition's own names
 * of lengths; an instance says what these stand for.
 */
import type { Signature } from "./signature.js";
import type { Type } from "./types.js";

/** A function of a module: `forward`, `update`, a part. */
export interface MemberFunction {
  /** Its `dimensions` are the names that every call binds anew. */
  readonly signature: Signature;
  /** The parameters end in `..`: any further arguments are passed on. */
  readonly rest: boolean;
  /** Declared, or what its body gives; unknown until that is read. */
  result: Type;
}

export interface Meaning {
  /** Making an instance. */
  readonly signature: Signature;
  /** Parameters, fields, children and named lets. */
  readonly fields: Map<string, Type>;
  readonly functions: Map<string, MemberFunction>;
}

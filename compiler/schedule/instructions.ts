/**
 * The instructions of a loop while it is written: a list in which equal instructions are one, and the conversions
 * between lanes and levels. In: operations on numbers of earlier instructions. Out: the number of the instruction.
 */
import type { Instr, Lane } from "../kernels/index.js";

export type Level = Instr["level"];

const higher = (a: Level, b: Level): Level =>
  a === "element" || b === "element" ? "element" : a === "row" || b === "row" ? "row" : "uniform";

export class Instructions {
  readonly list: Instr[] = [];
  private readonly known = new Map<string, number>();

  /** The instruction's level is the highest of its arguments unless `level` says another. */
  push(op: string, args: readonly number[], lane: Lane, level?: Level, attrs: Instr["attrs"] = {}): number {
    const own = level ?? args.reduce<Level>((l, a) => higher(l, this.list[a].level), "uniform");
    const key = `${op}|${args.join(",")}|${lane}|${own}|${JSON.stringify(attrs)}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const at = this.list.push({ op, args, lane, level: own, attrs }) - 1;
    this.known.set(key, at);
    return at;
  }

  laneOf(value: number): Lane {
    return this.list[value].lane;
  }

  levelOf(value: number): Level {
    return this.list[value].level;
  }

  literal(value: number | boolean, lane: Lane): number {
    return this.push("literal", [], lane, "uniform", { value });
  }

  /** A value that is the same along the row is spread over its elements. */
  element(value: number): number {
    const { lane, level } = this.list[value];
    if (level === "element") return value;
    return this.push("where", [this.literal(true, "bool"), value, value], lane, "element");
  }

  /**
   * A value that is the same along the row as one of each row. What was computed for every element (a counter, a load
   * through a view) is taken by its maximum.
   */
  row(value: number): number {
    const { lane, level } = this.list[value];
    if (level === "row") return value;
    if (level === "element") {
      if (lane !== "bool") return this.push("row_max", [value], lane, "row");
      return this.truth(this.push("row_max", [this.int(value)], "i32", "row"));
    }
    const zero = this.literal(lane === "bool" ? false : 0, lane);
    return this.push(lane === "bool" ? "or" : "add", [value, zero], lane, "row");
  }

  float(value: number): number {
    return this.laneOf(value) === "f32" ? value : this.push("to_f32", [value], "f32");
  }

  int(value: number): number {
    const { lane, op, attrs } = this.list[value];
    if (lane === "i32") return value;
    if (op === "literal" && lane === "f32" && Number.isInteger(attrs.value))
      return this.literal(attrs.value as number, "i32");
    return this.push("to_i32", [value], "i32");
  }

  truth(value: number): number {
    const lane = this.laneOf(value);
    return lane === "bool" ? value : this.push("ne", [value, this.literal(0, lane)], "bool");
  }
}

/**
 * Number literals: `1_000`, `1e-4`, `12.5%`, `64MiB`.
 *
 * In: digits with what is glued to them, as lexed. Out: the number meant, or one sentence that says what is wrong.
 * `p%` is p / 100 in f64, the product that the reference implementations of the methods take; a size is a whole
 * number of bytes; an Int must be exact in f64.
 */
export interface ReadNumber {
  readonly value: number;
  readonly integer: boolean;
  readonly unit: "none" | "percent" | "size";
  /** What is wrong and what to do, or null. */
  readonly problem: { readonly message: string; readonly help: string } | null;
}

const sizes: ReadonlyMap<string, number> = new Map([
  ["KB", 1e3],
  ["MB", 1e6],
  ["GB", 1e9],
  ["TB", 1e12],
  ["KiB", 2 ** 10],
  ["MiB", 2 ** 20],
  ["GiB", 2 ** 30],
  ["TiB", 2 ** 40],
]);

/** Reads one literal. A literal with a problem still has a value, so that reading can go on. */
export function readNumber(text: string): ReadNumber {
  const match = /^(\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d+)?)(.*)$/.exec(text);
  const digits = match === null ? "0" : match[1];
  const suffix = match === null ? "" : match[2];
  const plain = Number(digits.replaceAll("_", ""));
  const integer = /^[\d_]+$/.test(digits);
  const wrong = (message: string, help: string): ReadNumber => {
    return { value: 0, integer, unit: "none", problem: { message, help } };
  };
  if (/_(?!\d)|_\./.test(digits)) {
    return wrong(`misplaced \`_\` in the number \`${text}\``, "put `_` only between two digits, as in `1_000`");
  }
  if (!Number.isFinite(plain)) {
    return wrong(`the number \`${shorten(text)}\` is too large`, "the largest Float is about 1.8e308");
  }
  if (suffix === "%") return { value: plain / 100, integer: false, unit: "percent", problem: null };
  if (suffix !== "" && !sizes.has(suffix)) {
    return wrong(
      `expected a number, found \`${shorten(text)}\``,
      `names cannot begin with a digit; a size ends in one of ${[...sizes.keys()].join(", ")}`,
    );
  }
  const value = plain * (sizes.get(suffix) ?? 1);
  const whole = integer || suffix !== "";
  if (whole && !Number.isSafeInteger(value)) {
    return Number.isInteger(value)
      ? wrong(
          `the integer \`${shorten(text)}\` is too large to be exact`,
          "integers reach 2^53 - 1; write a Float, as in `1e20`",
        )
      : wrong(`the size \`${shorten(text)}\` is not a whole number of bytes`, "write it in a smaller unit");
  }
  return { value, integer: whole, unit: suffix === "" ? "none" : "size", problem: null };
}

function shorten(text: string): string {
  return text.length <= 24 ? text : `${text.slice(0, 20)}…`;
}

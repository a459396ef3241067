/**
 * Lengths of axes as polynomials with integer coefficients over names: `2*d` and `d + d` are one value.
 *
 * In: names and integers. Out: a normal form (no zero coefficients, names of a monomial sorted) with exact arithmetic.
 * A length that is no polynomial (`div(a, b)`, a number the text does not tell) is null: nothing is known about it.
 * Spec: spec/language.md, "Shapes".
 */

/** Monomial (its sorted names joined with "*", "" for the constant) to coefficient; never zero. */
export type Polynomial = ReadonlyMap<string, number>;

/** More terms than this are not worth comparing; the length is then unknown. */
const MAX_TERMS = 64;

export function constant(value: number): Polynomial | null {
  if (!Number.isSafeInteger(value)) return null;
  return value === 0 ? new Map() : new Map([["", value]]);
}

export function symbol(name: string): Polynomial {
  return new Map([[name, 1]]);
}

/** The integer it stands for, or null if names are left. */
export function constantOf(p: Polynomial): number | null {
  if (p.size === 0) return 0;
  return p.size === 1 && p.has("") ? p.get("")! : null;
}

/** The name it stands for, or null. */
export function symbolOf(p: Polynomial | null): string | null {
  if (p === null || p.size !== 1) return null;
  const [[key, coefficient]] = p;
  return coefficient === 1 && key !== "" && !key.includes("*") ? key : null;
}

function accumulate(terms: Iterable<readonly [string, number]>): Polynomial | null {
  const sum = new Map<string, number>();
  for (const [key, coefficient] of terms) {
    const total = (sum.get(key) ?? 0) + coefficient;
    if (!Number.isSafeInteger(total)) return null;
    if (total === 0) sum.delete(key);
    else sum.set(key, total);
    if (sum.size > MAX_TERMS) return null;
  }
  return sum;
}

export function add(a: Polynomial | null, b: Polynomial | null): Polynomial | null {
  return a && b && accumulate([...a, ...b]);
}

export function negate(a: Polynomial | null): Polynomial | null {
  return a && new Map([...a].map(([key, coefficient]) => [key, -coefficient]));
}

export function subtract(a: Polynomial | null, b: Polynomial | null): Polynomial | null {
  return add(a, negate(b));
}

export function multiply(a: Polynomial | null, b: Polynomial | null): Polynomial | null {
  if (!a || !b) return null;
  const terms: [string, number][] = [];
  for (const [ka, ca] of a) {
    for (const [kb, cb] of b) {
      const names = [ka, kb].flatMap((key) => (key === "" ? [] : key.split("*")));
      if (names.length > MAX_TERMS) return null;
      terms.push([names.sort().join("*"), ca * cb]);
    }
  }
  return accumulate(terms);
}

export function equal(a: Polynomial, b: Polynomial): boolean {
  return subtract(a, b)?.size === 0;
}

/**
 * True if the two lengths certainly differ. Names are rigid: `out` and `in` differ, `d` and `2*d` differ. A name and a
 * number may be equal where the text tests for it, so they never certainly differ.
 */
export function differ(a: Polynomial | null, b: Polynomial | null): boolean {
  if (!a || !b) return false;
  const rest = subtract(a, b);
  if (!rest || rest.size === 0) return false;
  return (constantOf(a) === null) === (constantOf(b) === null);
}

/** Puts lengths in the place of names; null where one of them is unknown. */
export function substitute(p: Polynomial | null, lengthOf: (name: string) => Polynomial | null): Polynomial | null {
  if (!p) return null;
  let sum: Polynomial | null = new Map();
  for (const [key, coefficient] of p) {
    let term: Polynomial | null = constant(coefficient);
    for (const name of key === "" ? [] : key.split("*")) term = multiply(term, lengthOf(name));
    sum = add(sum, term);
  }
  return sum;
}

/** `2*d + 1`, `out`, `3`. */
export function showPolynomial(p: Polynomial): string {
  const terms = [...p].sort(([a], [b]) => (a === "" ? 1 : b === "" ? -1 : a < b ? -1 : 1));
  if (terms.length === 0) return "0";
  return terms
    .map(([key, c], i) => {
      const size = Math.abs(c);
      const text = key === "" ? `${size}` : size === 1 ? key : `${size}*${key}`;
      const sign = i === 0 ? (c < 0 ? "-" : "") : c < 0 ? " - " : " + ";
      return sign + text;
    })
    .join("");
}

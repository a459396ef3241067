/**
 * Amounts as people write them. In: bytes, counts, seconds, numbers. Out: short text, and the bytes that a text such as
 * `2GB` means. Units are decimal (1 GB is 10^9 bytes), as in the language; `GiB` and its like are read too.
 */

const byteUnits = ["B", "kB", "MB", "GB", "TB", "PB"];
const countUnits = ["", " k", " M", " B", " T"];

/** `1.5 GB`; below 1000 exact. */
export function showBytes(bytes: number): string {
  const { value, step } = scaled(bytes, byteUnits.length);
  return `${step === 0 ? value : value.toPrecision(3)} ${byteUnits[step]}`;
}

/** `8.03 B` for parameters of a model; below 1000 exact. */
export function showCount(count: number): string {
  const { value, step } = scaled(count, countUnits.length);
  return step === 0 ? String(value) : `${value.toPrecision(3)}${countUnits[step]}`;
}

/** `1 tensor`, `72 tensors`, `1 place`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function scaled(amount: number, steps: number): { value: number; step: number } {
  let value = amount;
  let step = 0;
  // 999.5 would be rounded to four digits.
  while (Math.abs(value) >= (step === 0 ? 1000 : 999.5) && step < steps - 1) {
    value /= 1000;
    step++;
  }
  return { value, step };
}

/** `0.42 s`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function showSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  if (seconds < 10) return `${seconds.toFixed(seconds < 1 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** A number of a report: all digits of an integer, six significant ones of anything else. */
export function showNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value);
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  return String(Number(value.toPrecision(6)));
}

const sizes: ReadonlyMap<string, number> = new Map([
  ["", 1],
  ["b", 1],
  ["kb", 1e3],
  ["mb", 1e6],
  ["gb", 1e9],
  ["tb", 1e12],
  ["kib", 2 ** 10],
  ["mib", 2 ** 20],
  ["gib", 2 ** 30],
  ["tib", 2 ** 40],
]);

/** The bytes that `2GB`, `512 MiB` or `1000000` mean; null when the text is no size of at least one byte. */
export function parseSize(text: string): number | null {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  const unit = sizes.get(match?.[2].toLowerCase() ?? "?");
  if (match === null || unit === undefined) return null;
  const bytes = Math.round(Number(match[1]) * unit);
  return bytes >= 1 && Number.isSafeInteger(bytes) ? bytes : null;
}

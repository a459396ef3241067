/**
 * Names as they may be printed. In: a tensor name, key or file name from an untrusted file. Out: the name in double
 * quotes, without a character that could move the cursor, end the line, reverse the reading direction or flood the
 * screen. Also the order of names: by their UTF-8 bytes, as every program sorts them that is not written in JavaScript.
 */

const longest = 200;

/** A name in quotes; long ones are cut in the middle and say how long they are. */
export function quoteName(name: string): string {
  if (name.length <= longest) return escapeName(name);
  return `${escapeName(`${name.slice(0, longest / 2)}…${name.slice(-longest / 4)}`)} (${name.length} characters)`;
}

/** Quoted, whole, in ASCII but for letters, digits and punctuation: two different names never print alike. */
export function escapeName(name: string): string {
  return JSON.stringify(name).replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((unit) => `\\u${character.charCodeAt(unit).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/** Orders two names by their UTF-8 bytes (which is the order of their code points). */
export function byBytes(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return codeUnitRank(left) - codeUnitRank(right);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above all other code units. */
function codeUnitRank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit <= 0xdfff ? unit + 0x10000 : unit;
}

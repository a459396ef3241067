/**
 * Functions that generated code calls. A fragment is the text of one function for each width and the names of the
 * fragments it calls; a `Library` collects what a kernel asks for and prints each function once, callees first.
 */
import { type Types, typesOf, type Width } from "./lanes.js";

export interface Fragment {
  /** Fragments of the same width that this one calls. */
  readonly needs: readonly string[];
  readonly code: (types: Types) => string;
}

export type Fragments = ReadonlyMap<string, Fragment>;

export interface Library {
  /** Text of a call of a fragment; the function's name is the fragment's with the width as suffix. */
  call(name: string, width: Width, ...args: readonly string[]): string;
  /** The functions asked for so far. */
  print(): string[];
}

/** A library over a set of fragments. Throws an Error for a name that is not there. */
export function library(fragments: Fragments): Library {
  const printed = new Map<string, string>();
  const require = (name: string, width: Width): void => {
    const key = `${name}${width}`;
    if (printed.has(key)) return;
    const fragment = fragments.get(name);
    if (fragment === undefined) throw new Error(`there is no WGSL function ${name}`);
    for (const callee of fragment.needs) require(callee, width);
    printed.set(key, fragment.code(typesOf(width)).trim());
  };
  return {
    call(name, width, ...args) {
      require(name, width);
      return `${name}${typesOf(width).n}(${args.join(", ")})`;
    },
    print: () => [...printed.values()],
  };
}

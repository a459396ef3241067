/**
 * Mistakes in the command itself, as opposed to mistakes in a recipe: they end with exit code 2.
 */

/** A command that cannot be understood; `help` says what to type instead. */
export class UsageError extends Error {
  constructor(
    message: string,
    readonly help: string | null = null,
  ) {
    super(message);
    this.name = "UsageError";
  }
}

/** Exit codes of every command. */
export const exitCode = { done: 0, diagnostics: 1, usage: 2, failure: 3, interrupted: 130 } as const;

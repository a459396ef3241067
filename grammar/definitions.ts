/**
 * Rules for files and definitions.
 *
 * In: laid-out tokens. Out: the uses and definitions of a file. The words that begin definitions are names everywhere
 * else. A mistake in a header does not hide the mistakes in its body; anything worse is skipped up to the next
 * definition. What has members is in modules.ts.
 */
import { EOF } from "chevrotain";
import { beginsDefinition } from "./lineends.js";
import { ModuleRules, moduleKinds } from "./modules.js";
import { nearest } from "./nearest.js";
import { describe, type Rule } from "./recovery.js";
import * as T from "./tokens.js";
import type { Definition, Param, Span, Use } from "./tree.js";

const words = ["use", "def", "merge", "recipe", "record", ...moduleKinds] as const;

const listed = words.map((word) => `\`${word}\``).join(", ");

export interface FileParts {
  readonly uses: readonly Use[];
  readonly definitions: readonly Definition[];
}

export abstract class DefinitionRules extends ModuleRules {
  protected readonly file: Rule<FileParts> = this.rule("file", () => {
    const uses: Use[] = [];
    const definitions: Definition[] = [];
    if (this.RECORDING_PHASE) return { uses, definitions };
    while (!this.is(1, EOF)) {
      if (this.skip(T.Newline)) continue;
      if (this.isWord(1, "use")) this.topLevel(() => uses.push(this.SUBRULE(this.use)));
      else this.topLevel(() => definitions.push(this.SUBRULE(this.definition)));
    }
    return { uses, definitions };
  });

  /** Definitions of kinds that this version does not have; nothing more is said about what they hold. */
  protected foreignDefinitions: Span[] = [];

  /** One definition, up to the end of its last line. */
  private topLevel(parse: () => void): void {
    this.attempt(
      () => {
        parse();
        if (this.is(1, T.Newline) || this.is(1, EOF)) return;
        this.unexpected("a new line after the definition");
      },
      (token) => token.tokenType === T.Newline && token.depth === 0 && beginsDefinition(this.LA(2), this.LA(3)),
      (span) => {
        if (this.found.at(-1)?.code === "S015") this.foreignDefinitions.push(span);
      },
    );
  }

  protected readonly definition: Rule<Definition> = this.rule("definition", () => {
    if (this.isWord(1, "def") || this.isWord(1, "merge")) return this.SUBRULE(this.functionDefinition);
    if (this.isWord(1, "recipe")) return this.SUBRULE(this.recipe);
    if (this.isWord(1, "record")) return this.SUBRULE(this.recordDefinition);
    if (this.is(1, T.Identifier) && moduleKinds.has(this.LA(1).image)) return this.SUBRULE(this.moduleDefinition);
    return this.notADefinition();
  });

  /** Anything else at the top of a file; says what it might have been. */
  private notADefinition(): never {
    const token = this.LA(1);
    if (this.isWord(1, "sampler") && this.is(2, T.Identifier)) {
      this.raise("S015", "`sampler` definitions are not part of this version", token, {
        help: `a file holds ${listed}`,
      });
    }
    const close = token.tokenType === T.Identifier ? nearest(token.image, words, 1) : [];
    let help = `a file holds ${listed}; statements stand inside their braces`;
    if (close.length > 0) help = `did you mean \`${close[0]}\`?`;
    return this.raise("S016", `expected a definition, found ${describe(token)}`, token, { help });
  }

  /** `use std.merge.{ties, slerp as s}`, `use "./mine.peft".{name}`. */
  protected readonly use: Rule<Use> = this.rule("use", () => {
    const start = this.mark();
    const names: Use["names"][number][] = [];
    this.CONSUME(T.Identifier);
    const from = this.useSource();
    this.brackets(T.LCurly, T.RCurly, () => {
      const name = this.SUBRULE(this.name);
      if (!this.isWord(1, "as")) {
        names.push({ name, as: null });
        return;
      }
      this.CONSUME(T.Identifier);
      names.push({ name, as: this.SUBRULE(this.name) });
    });
    return { from, names, span: this.since(start) };
  });

  /** `std.merge.` or `"./mine.peft".`, with the last dot. */
  private useSource(): Use["from"] {
    if (this.is(1, T.StringToken)) {
      const path = this.SUBRULE(this.plainString);
      this.CONSUME(T.Dot);
      return { kind: "file", path };
    }
    const path = [this.SUBRULE(this.name)];
    do {
      if (!this.is(1, T.Dot)) this.unexpected("`.{` and the names to use", "as in `use std.merge.{ties}`");
      this.CONSUME(T.Dot);
      if (this.is(1, T.Identifier)) path.push(this.SUBRULE(this.name));
      else break;
    } while (!this.RECORDING_PHASE);
    return { kind: "module", path };
  }

  /** `def f(x: T) -> T { … }`, `def f(x) = e`, and the same of `merge`. */
  protected readonly functionDefinition: Rule<Definition> = this.rule("functionDefinition", () => {
    const start = this.mark();
    const params: Param[] = [];
    const kind = this.CONSUME(T.Identifier).image as "def" | "merge";
    const name = this.SUBRULE(this.name);
    this.brackets(T.LParen, T.RParen, () => params.push(this.SUBRULE(this.param)));
    const result = this.skip(T.Arrow) ? this.resultType(0) : null;
    const body = this.functionBody();
    return { kind, name, params, result, body, doc: this.docBefore(start), span: this.since(start) };
  });

  /** `recipe name(seed = 7) { … }`. */
  protected readonly recipe: Rule<Definition> = this.rule("recipe", () => {
    const start = this.mark();
    this.CONSUME(T.Identifier);
    const name = this.SUBRULE(this.name);
    const options = this.is(1, T.LParen) ? this.SUBRULE(this.args) : [];
    const body = this.SUBRULE(this.block, { ARGS: [true] });
    return { kind: "recipe", name, options, body, doc: this.docBefore(start), span: this.since(start) };
  });

  /** `record name { x: T, y: T = e }`. */
  protected readonly recordDefinition: Rule<Definition> = this.rule("recordDefinition", () => {
    const start = this.mark();
    this.CONSUME(T.Identifier);
    const name = this.SUBRULE(this.name);
    const fields = this.SUBRULE(this.fields);
    return { kind: "record", name, fields, doc: this.docBefore(start), span: this.since(start) };
  });
}

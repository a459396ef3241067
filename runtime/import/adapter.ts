/**
 * A saved adapter becomes a recipe. In: an adapter_config.json as PEFT writes it. Out: a recipe that attaches the saved one to
 * its base and fuses it, and, as the expression that would train another one like it, the call of the definition whose
 * `config { .. }` fits the file. Which kinds there are is known from the definitions of the standard library alone.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { type AdapterArguments, adapterArguments } from "../../compiler/elaborate/index.js";
import { type Diagnostic, diagnostic, fail, type ModuleDefinition, parse } from "../../grammar/index.js";
import { parseConfig } from "../checkpoint/index.js";
import { standardLibraryFolder } from "../installation/index.js";
import { quoted } from "./layout.js";

/** Keys that say who made the file, for what, and where the adapter goes. */
const aside =
  "peft_type peft_version auto_mapping base_model_name_or_path revision inference_mode task_type target_modules bias ensure_weight_tying".split(
    " ",
  );

type Config = Readonly<Record<string, unknown>>;

interface Fitting {
  readonly definition: ModuleDefinition;
  readonly text: string;
  readonly found: AdapterArguments;
}

/** The recipe of a saved adapter. Throws PeftError (F046, M003). */
export function importAdapter(
  file: string,
  text: string,
  folder: string,
): { text: string; notes: readonly Diagnostic[] } {
  const config = parseConfig(file, text).value as Config;
  const kind = Object.hasOwn(config, "peft_type") ? config.peft_type : null;
  const fitting = definitions().flatMap(({ definition, text: source }): Fitting[] => {
    const found = adapterArguments(definition, config);
    return found === null ? [] : [{ definition, text: source, found }];
  });
  const chosen = typeof kind === "string" ? fitting.find((f) => f.found.keys.has("peft_type")) : undefined;
  if (chosen === undefined)
    return fail(
      "M003",
      `no adapter of the standard library is saved with these entries (peft_type ${JSON.stringify(kind)})`,
      { file, span: null },
      {
        help: "write a definition whose `config { … }` says what the file says",
      },
    );
  const notes = Object.keys(config)
    .filter((key) => !isNothing(config[key]))
    .filter((key) => !aside.includes(key) || (key === "target_modules" && targets(config[key]) === null))
    .filter((key) => !chosen.found.keys.has(key) || chosen.found.perHost.includes(key))
    .map((key) =>
      diagnostic(
        "M010",
        `\`${key}\` is left out of the call: it is read from the file by load_adapter alone`,
        { file, span: null },
        { severity: "warning" },
      ),
    );
  return { text: recipeText(file, folder, config, chosen, notes), notes };
}

function recipeText(
  file: string,
  folder: string,
  config: Config,
  chosen: Fitting,
  notes: readonly Diagnostic[],
): string {
  const name = chosen.definition.name.text;
  const named = typeof config.base_model_name_or_path === "string" ? config.base_model_name_or_path : "";
  const from = (target: string) => path.relative(folder, target).split(path.sep).join("/") || ".";
  const beside = path.resolve(path.dirname(file), named);
  const base = named !== "" && !path.isAbsolute(named) && fs.existsSync(beside) ? from(beside) : named;
  const own = from(path.dirname(file));
  const to = targets(config.target_modules);
  return [
    `// Imported from ${path.basename(file)}.${notes.length > 0 ? " Not in the call below:" : ""}`,
    ...notes.map((n) => `//   ${n.message}`),
    `// To train one like it:`,
    `//   use std.adapter.{${name}}`,
    `//   let tuned = attach(base, ${name}(${argumentsText(chosen)})${to === null ? "" : `, to = ${to}`})`,
    "",
    "recipe merged {",
    base === ""
      ? "  input base_path: Path                // the model that the adapter was trained on; the file does not say"
      : "",
    `  let base  = load(${base === "" ? "base_path" : quoted(base)})`,
    `  let tuned = attach(base, load_adapter(${quoted(own)}))`,
    "",
    '  save(fuse(tuned), to = "merged")',
    "}",
    "",
  ]
    .filter((line, i, all) => !(line === "" && all[i - 1]?.startsWith("recipe")))
    .join("\n");
}

/** Arguments that are not the defaults. */
function argumentsText({ definition, text, found }: Fitting): string {
  return definition.params
    .flatMap((p) => {
      const name = p.pattern.kind === "name" ? p.pattern.name.text : "";
      const value = found.given.get(name);
      const standard = p.default === null ? "" : text.slice(p.default.span.start, p.default.span.end);
      const plain = standard.endsWith("%") ? Number(standard.slice(0, -1)) / 100 : Number(standard);
      if (value === undefined || String(value) === standard || (standard !== "" && value === plain)) return [];
      return [`${name} = ${literal(value)}`];
    })
    .join(", ");
}

function literal(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  return String(value);
}

/** Names of modules as a pattern; null for what is no list of names. */
function targets(names: unknown): string | null {
  if (!Array.isArray(names) || !names.every((n) => typeof n === "string" && /^[\w.]+$/.test(n))) return null;
  const sorted = [...(names as string[])].sort();
  return quoted(sorted.length === 1 ? `*.${sorted[0]}` : `*.{${sorted.join(",")}}`);
}

function isNothing(value: unknown): boolean {
  return value == null || value === false || (typeof value === "object" && Object.keys(value).length === 0);
}

function definitions(): { definition: ModuleDefinition; text: string }[] {
  const folder = path.join(standardLibraryFolder(), "adapter");
  return fs
    .readdirSync(folder)
    .filter((name) => name.endsWith(".peft"))
    .sort()
    .flatMap((name) => {
      const text = fs.readFileSync(path.join(folder, name), "utf8");
      return parse(name, text).file.definitions.flatMap((d) => (d.kind === "adapter" ? [{ definition: d, text }] : []));
    });
}

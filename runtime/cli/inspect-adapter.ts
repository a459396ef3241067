/**
 * What `peftc inspect` says of a saved adapter beside its tensors: the settings of its config, its hosts with the shapes of what
 * they have, and, with the base model at hand, the norm of the change that it makes to each weight. That is computed by a
 * recipe, as a user would: the adapter is fused into the base, and the base taken off again.
 */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { memoryName } from "../../compiler/arch/index.js";
import { listsHost } from "../../compiler/elaborate/index.js";
import { PeftError, visible } from "../../grammar/index.js";
import { escapeName, type Inspection } from "../checkpoint/index.js";
import { compileFile } from "../compile/index.js";
import { runPlan } from "../execute/index.js";
import { showNumber, table } from "../report/index.js";

/** What there is to say; `norms` by the names that weights have in memory, null without a base model. */
export interface AdapterFacts {
  /** Entries of the config that say something: numbers, words, what is true. */
  readonly settings: Readonly<Record<string, string | number | true>>;
  /** By the path of a module: the rest of a tensor's name, and its shape. */
  readonly hosts: ReadonlyMap<string, readonly { readonly name: string; readonly shape: readonly number[] }[]>;
  readonly norms: ReadonlyMap<string, number> | null;
}

const prefix = /^base_model\.(?:model\.)?/;

/** Reads the facts; `base` is the path of the base model. Throws PeftError when the two do not go together. */
export async function adapterFacts(found: Inspection, base: string | null): Promise<AdapterFacts> {
  const config = found.config?.value ?? {};
  const settings = Object.entries(config).flatMap(([key, value]) =>
    typeof value === "number" || typeof value === "string" || value === true ? [[key, value] as const] : [],
  );
  const hosts = new Map<string, { name: string; shape: readonly number[] }[]>();
  for (const { name, shape } of found.tensors) {
    const host = hostOf(name.replace(prefix, ""), config.target_modules);
    const rest = host === "" ? name : name.replace(prefix, "").slice(host.length + 1);
    hosts.set(host, [...(hosts.get(host) ?? []), { name: rest, shape }]);
  }
  return {
    settings: Object.fromEntries(settings),
    hosts,
    norms: base === null ? null : await changes(base, found.path),
  };
}

/** The longest start of a name that the config's targets select; empty: the tensor stands for itself. */
function hostOf(name: string, targets: unknown): string {
  for (let at = name.lastIndexOf("."); at > 0; at = name.lastIndexOf(".", at - 1)) {
    if (listsHost(targets, name.slice(0, at))) return name.slice(0, at);
  }
  return "";
}

async function changes(base: string, adapter: string): Promise<ReadonlyMap<string, number>> {
  const quoted = (name: string) => JSON.stringify(path.resolve(name)).replaceAll("$", "\\$");
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "peftc-inspect-"));
  try {
    const file = path.join(folder, "inspect.peft");
    fs.writeFileSync(
      file,
      `recipe inspect {
  let base = load(${quoted(base)})
  report norm(fuse(attach(base, load_adapter(${quoted(adapter)}))) - base)
}
`,
    );
    const compiled = compileFile({ file, set: [] });
    if (compiled.plan === null) throw new PeftError(compiled.diagnostics.map(withoutPlace));
    const result = await runPlan(compiled, {
      device: "cpu",
      memory: null,
      threads: null,
      out: null,
      force: false,
      chunk: null,
      strict: false,
      hash: false,
      progress: () => {},
      signal: new AbortController().signal,
    });
    const type = compiled.checkpoints.get(path.resolve(base))?.modelType ?? null;
    const norms = Object.entries(result.reports[0].value as Readonly<Record<string, number>>);
    return new Map(norms.filter(([, norm]) => norm !== 0).map(([name, norm]) => [memoryName(type, name), norm]));
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** The recipe is not the user's: what is wrong is told without its lines. */
function withoutPlace(d: PeftError["diagnostics"][number]): PeftError["diagnostics"][number] {
  return { ...d, primary: { ...d.primary, file: "inspect", span: null }, others: [] };
}

/** The facts as lines. */
export function adapterLines({ settings, hosts, norms }: AdapterFacts): string[] {
  const said = Object.entries(settings).map(([key, value]) => `${visible(key)} ${visible(String(value))}`);
  const shown = [...hosts].filter(([host]) => host !== "");
  const normOf = (host: string) => norms?.get(`${host}.weight`);
  return [
    ...(said.length > 0 ? [said.join(", "), ""] : []),
    ...table(
      [
        { title: "host", align: "left" },
        { title: "has", align: "left" },
        ...(norms === null ? [] : [{ title: "norm of the change", align: "right" } as const]),
      ],
      shown.map(([host, tensors]) => [
        escapeName(host),
        tensors.map(({ name, shape }) => `${escapeName(name)} [${shape.join(", ")}]`).join("  "),
        ...(norms === null ? [] : [normOf(host) === undefined ? "" : showNumber(normOf(host)!)]),
      ]),
    ),
    ...others(norms, shown),
  ];
}

/** Changes of tensors that no host in the table accounts for. */
function others(norms: AdapterFacts["norms"], shown: readonly (readonly [string, unknown])[]): string[] {
  const hosts = new Set(shown.map(([host]) => `${host}.weight`));
  const rest = [...(norms ?? [])].filter(([name]) => !hosts.has(name));
  return rest.length === 0
    ? []
    : ["", ...rest.map(([name, norm]) => `${escapeName(name)} changes by ${showNumber(norm)}`)];
}

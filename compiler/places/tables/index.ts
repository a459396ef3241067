/** The architectures that are known by name: `model_type` of config.json to the family's table. */
import { bert } from "./bert.js";
import { clip } from "./clip.js";
import { gpt2 } from "./gpt2.js";
import { llama } from "./llama.js";
import { t5 } from "./t5.js";
import type { Table } from "./table.js";
import { vit } from "./vit.js";

export type { InsideRow, OutsideRow, Stack, Table } from "./table.js";

export const tables: readonly Table[] = [llama, gpt2, bert, vit, t5, clip];

const byModelType: ReadonlyMap<string, Table> = new Map(
  tables.flatMap((t) => t.modelTypes.map((type) => [type, t] as const)),
);

/** The table of the config's `model_type`, or null. */
export function tableOf(config: Readonly<Record<string, unknown>> | null): Table | null {
  const type = config !== null && Object.hasOwn(config, "model_type") ? config.model_type : null;
  return typeof type === "string" ? (byModelType.get(type) ?? null) : null;
}

/**
 * The files beside the weights of an output. In: a save and the checkpoints. Out: which files are copied, from where, and the
 * text of the tokenizer where the model got more tokens. Config and other files come from the donor, the tokenizer from the
 * checkpoint whose vocabulary the model has.
 */
import * as path from "node:path";
import type { Save } from "../../compiler/elaborate/index.js";
import type { CarriedFile, Checkpoint, TextFile } from "../checkpoint/index.js";
import { withTokens } from "../dataset/index.js";

const tokenizerName = "tokenizer.json";
const ofTokenizer =
  /^(tokenizer(_config)?\.(json|model)|special_tokens_map\.json|added_tokens\.json|vocab\.(json|txt)|merges\.txt|spiece\.model|chat_template\.(jinja|json))$/;

/** The files that are copied. */
export function carriedFiles(save: Save, checkpoints: ReadonlyMap<string, Checkpoint>): CarriedFile[] {
  const { donor } = save;
  if (donor === null || save.adapter !== null) return [];
  const own = checkpoints.get(donor.id);
  const speaker = donor.tokenizer === undefined ? own : checkpoints.get(donor.tokenizer.source);
  const from = (checkpoint: Checkpoint | undefined, wanted: boolean) =>
    (checkpoint?.files ?? [])
      .filter((name) => ofTokenizer.test(name) === wanted)
      .map((name) => ({ from: path.join(checkpoint!.folder, name), name }));
  const written = writtenFiles(save, checkpoints).map(({ name }) => name);
  return [...from(own, false), ...from(speaker, true)].filter(({ name }) => !written.includes(name));
}

/** The files that are written anew. */
export function writtenFiles({ donor, adapter }: Save, checkpoints: ReadonlyMap<string, Checkpoint>): TextFile[] {
  const { source, added } = donor?.tokenizer ?? { source: "", added: [] };
  const speaker = checkpoints.get(source);
  if (adapter !== null || added.length === 0 || speaker === undefined) return [];
  return [{ name: tokenizerName, text: withTokens(path.join(speaker.folder, tokenizerName), added) }];
}

/**
 * What the headers of the models tell an importer. In: the folder of a checkpoint. Out: its tensors with their places, how
 * many blocks it has, and the height of its vocabulary; null where there is no checkpoint. No weight is read.
 */
import { type Place, placesOf, stacksOf } from "../../compiler/places/index.js";
import { PeftError } from "../../grammar/index.js";
import { openCheckpoint } from "../checkpoint/index.js";

export interface Facts {
  readonly places: readonly Place[];
  /** 0 where blocks are not numbered in one stack. */
  readonly layers: number;
  /** Rows of the embedding; null if there is none. */
  readonly vocabulary: number | null;
  /** Number formats of the file's tensors. */
  readonly dtypes: ReadonlySet<string>;
}

/** The facts of the checkpoint at a path, or null when none can be opened there. */
export function factsOf(path: string): Facts | null {
  try {
    const checkpoint = openCheckpoint(path);
    const tensors = [...checkpoint.tensors.values()];
    const places = placesOf(tensors, checkpoint.config?.value ?? null);
    const stacks = stacksOf(places.values());
    const embedding = tensors.find((t) => places.get(t.name)!.role === "embed");
    return {
      places: [...places.values()],
      layers: stacks.length === 1 ? Math.max(...[...places.values()].map((p) => p.layers)) : 0,
      vocabulary: embedding?.shape[0] ?? null,
      dtypes: new Set(tensors.map((t) => t.dtype)),
    };
  } catch (error) {
    if (error instanceof PeftError) return null;
    throw error;
  }
}

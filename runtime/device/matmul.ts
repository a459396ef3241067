/**
 * The product of matrices as a device takes it. Regions of one call never overlap unless both are only read.
 */
import type { Region } from "./runner.js";

/** A batch of matrices of f32: element (b.., i, j) lies `sum b * batch + i * row + j * col` elements behind the region's start. */
export interface Matrices {
  readonly region: Region;
  readonly batch: readonly number[];
  readonly row: number;
  readonly col: number;
}

/** to[b.., m, n] (contiguous) = left[b.., m, k] right[b.., k, n]. Sizes are at least 1; a stride of 0 repeats. */
export interface MatmulCall {
  readonly batch: readonly number[];
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly left: Matrices;
  readonly right: Matrices;
  readonly to: Region;
}

/**
 * Number formats. A *storage* dtype is how a tensor lies in a file (the names of the safetensors format); a *value*
 * dtype is what the tensor IR computes with. Tensors compute in f32 and i32; rank-0 values live on the host between
 * passes and are f64 and i64 (spec/language.md, "Numbers and stages").
 */

export const storageDtypes = {
  F64: { bytes: 8, float: true },
  F32: { bytes: 4, float: true },
  F16: { bytes: 2, float: true },
  BF16: { bytes: 2, float: true },
  F8_E4M3: { bytes: 1, float: true },
  F8_E5M2: { bytes: 1, float: true },
  I64: { bytes: 8, float: false },
  I32: { bytes: 4, float: false },
  I16: { bytes: 2, float: false },
  I8: { bytes: 1, float: false },
  U64: { bytes: 8, float: false },
  U32: { bytes: 4, float: false },
  U16: { bytes: 2, float: false },
  U8: { bytes: 1, float: false },
  BOOL: { bytes: 1, float: false },
} as const;

export type StorageDtype = keyof typeof storageDtypes;

/** Bytes of one element. */
export function bytesOf(dtype: StorageDtype): number {
  return storageDtypes[dtype].bytes;
}

export function isFloat(dtype: StorageDtype): boolean {
  return storageDtypes[dtype].float;
}

export function isStorageDtype(name: string): name is StorageDtype {
  return Object.hasOwn(storageDtypes, name);
}

/** Tensors: f32, i32, bool. Rank 0: f64, i64, bool. `threshold` is the state of an order statistic (key and cut). */
export type ValueDtype = "f32" | "i32" | "bool" | "f64" | "i64" | "threshold";

/** Codes about shapes and axes. */
import type { Catalogue } from "../../grammar/index.js";

export const shapeCodes: Catalogue = {
  H001: {
    title: "shapes do not broadcast",
    page: `Operands are aligned by their last axes; each pair has equal lengths, or one of them is 1. Two names of lengths are two
lengths, although they may happen to be equal for one tensor.

Wrong:
    def center(x: Tensor[out, in], m: Tensor[out]) -> Tensor[out, in] = x - m
Right:
    def center(x: Tensor[out, in], m: Tensor[out]) -> Tensor[out, in] = x - m[:, none]`,
  },
  H002: {
    title: "shape differs from the declared one",
    page: `A value has another shape than the parameter, \`let\` or result it stands for. Equal names in one signature are equal
lengths.

Wrong:
    def gram(x: Tensor[n, d]) -> Tensor[n, n] = x.T @ x
Right:
    def gram(x: Tensor[n, d]) -> Tensor[d, d] = x.T @ x`,
  },
  H003: {
    title: "inner dimensions of a matrix product differ",
    page: `In \`a @ b\` the last axis of a meets the last but one of b (the only one of a vector).

Wrong:
    def low(a: Tensor[out, r], b: Tensor[in, r]) -> Tensor[out, in] = a @ b
Right:
    def low(a: Tensor[out, r], b: Tensor[in, r]) -> Tensor[out, in] = a @ b.T`,
  },
  H004: {
    title: "no such axis",
    page: `\`over\` and \`axis\` mean an axis by its name in a declared shape, by its index (from 0, or from the back with -1), or by a
scope: row is the last axis, column the first, tensor and model are all.

Wrong:
    def lengths(x: Tensor[out, in]) -> Tensor[out] = sum(x, over = cols)
Right:
    def lengths(x: Tensor[out, in]) -> Tensor[out] = sum(x, over = in)`,
  },
  H005: {
    title: "rank or number of elements does not fit",
    page: `Reshaping keeps the number of elements; an index has at most one item for each axis; \`.T\` needs two axes.

Wrong:
    def rows(x: Tensor[n, d]) -> Tensor[n] = x[:, 0, 0]
Right:
    def rows(x: Tensor[n, d]) -> Tensor[n] = x[:, 0]`,
  },
};

/** The rows of the table of builtins about linear algebra. In: nothing. Out: rows. */
import {
  typeOfAssignment,
  typeOfCholesky,
  typeOfEigh,
  typeOfKron,
  typeOfQr,
  typeOfSolve,
  typeOfSvd,
} from "./builtin_matrices.js";
import type { Row } from "./builtins.js";

/** Act place by place on models. */
export const matrixRows: readonly Row[] = [
  [
    "svd",
    "x: numeric, rank: int = none",
    "{ u, s, v } with x = (u * s) @ v.T, s descending; only the `rank` largest",
    typeOfSvd,
  ],
  [
    "eigh",
    "x: numeric, rank: int = none",
    "{ values, vectors } of a symmetric matrix (its upper triangle), values descending; only the `rank` largest",
    typeOfEigh,
  ],
  ["qr", "x: numeric", "{ q, r } with x = q @ r, the diagonal of r not negative", typeOfQr],
  [
    "cholesky",
    "x: numeric",
    "the lower triangle l with l @ l.T = x, for symmetric positive definite x; else NaN",
    typeOfCholesky,
  ],
  ["solve", "a: numeric, b: numeric", "the x with a @ x = b", typeOfSolve],
  [
    "solve_triangular",
    "t: numeric, b: numeric, upper: truth = false",
    "the x with t @ x = b, reading one triangle of t",
    typeOfSolve,
  ],
  ["inverse", "x: numeric", "the inverse of a square matrix", typeOfCholesky],
  ["kron", "a: numeric, b: numeric", "Kronecker product: every entry of a times b", typeOfKron],
  [
    "assignment",
    "costs: numeric",
    "a column for each row, no two alike, so that the costs sum to the least; -1 where a cost is NaN",
    typeOfAssignment,
  ],
];

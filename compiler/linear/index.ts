export { assign } from "./assignment.js";
export { type Decomposition, singularValues, symmetricEigen } from "./eigen.js";
export { cholesky, solveSystem, solveTriangle } from "./factor.js";
export { orthogonalise } from "./reflectors.js";
export { type Matrix, type Product, plainSpace, rows, type Space } from "./space.js";

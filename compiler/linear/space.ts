/**
 * Where matrix algorithms work: room for numbers, and the two products in which nearly all of their time goes. In: sizes,
 * strided matrices in that room. Out: products written into it. The algorithms of this folder are written over this
 * interface alone; a device brings its own products, `plainSpace` has them as loops.
 */

/** A matrix in room of a space: element (i, j) is `data[at + i * row + j * col]`. */
export interface Matrix {
  readonly data: Float64Array;
  readonly at: number;
  readonly row: number;
  readonly col: number;
}

/** to = scale * left right, or added to what is there. `to` has `col` 1 and overlaps neither operand. */
export interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly left: Matrix;
  readonly right: Matrix;
  readonly to: Matrix;
  readonly scale: number;
  readonly add: boolean;
}

export interface Space {
  /** Room for so many numbers, all 0. Products take only matrices in room of the same space. */
  room(count: number): Float64Array;
  /** Runs `work`; room that it made is given back, so nothing of it may be used afterwards. */
  within<T>(work: () => T): T;
  product(call: Product): void;
  /** y = a x for a symmetric a [n, n] of which the upper triangle is read; `x` and `y` are positions in their arrays. */
  symmetric(n: number, a: Matrix, x: Float64Array, xAt: number, y: Float64Array, yAt: number): void;
}

/** Rows that lie one after the other. */
export function rows(data: Float64Array, width: number, at = 0): Matrix {
  return { data, at, row: width, col: 1 };
}

/** The same matrix with rows and columns exchanged. */
export function turned({ data, at, row, col }: Matrix): Matrix {
  return { data, at, row: col, col: row };
}

/** The part of a matrix from a row and a column on. */
export function from(matrix: Matrix, row: number, column: number): Matrix {
  return { ...matrix, at: matrix.at + row * matrix.row + column * matrix.col };
}

/** A space of plain arrays and loops. */
export const plainSpace: Space = {
  room: (count) => new Float64Array(count),
  within: (work) => work(),
  product({ m, n, k, left, right, to, scale, add }) {
    for (let i = 0; i < m; i++) {
      const start = to.at + i * to.row;
      if (!add) to.data.fill(0, start, start + n);
      for (let l = 0; l < k; l++) {
        const factor = scale * left.data[left.at + i * left.row + l * left.col];
        const line = right.at + l * right.row;
        for (let j = 0; j < n; j++) to.data[start + j] += factor * right.data[line + j * right.col];
      }
    }
  },
  symmetric(n, a, x, xAt, y, yAt) {
    y.fill(0, yAt, yAt + n);
    for (let i = 0; i < n; i++) {
      const line = a.at + i * a.row;
      const xi = x[xAt + i];
      let sum = a.data[line + i] * xi;
      for (let j = i + 1; j < n; j++) {
        sum += a.data[line + j] * x[xAt + j];
        y[yAt + j] += a.data[line + j] * xi;
      }
      y[yAt + i] += sum;
    }
  },
};

/** A product as it is mostly written. */
export function multiply(
  space: Space,
  [m, n, k]: readonly [number, number, number],
  left: Matrix,
  right: Matrix,
  to: Matrix,
  scale = 1,
  add = false,
): void {
  if (m > 0 && n > 0) space.product({ m, n, k, left, right, to, scale, add });
}

/**
 * Matrix product of f32 in WGSL: an invocation computes a tile of 4 x 4 of the result straight from memory, without
 * workgroup memory or barriers (on software adapters three times faster than with them; 2026). In: the sizes and strides
 * of a product. Out: the shader, and for every dispatch the words of its uniform block. Sums run over k in order.
 */

/** Rows and columns of a workgroup's part of the result. */
const workgroup = 8;
const tile = 4;
export const matmulPart = workgroup * tile;

/** Axes of a batch after neighbours with one stride are joined. */
const mostAxes = 8;
const mostGroups = 65535;

export const matmulWgsl = `struct Product {
  m: u32, k: u32, n: u32, first: u32,
  left_offset: u32, left_row: u32, left_col: u32, axes: u32,
  right_offset: u32, right_row: u32, right_col: u32, to_offset: u32,
  batch: array<vec4u, ${mostAxes}>,
}
@group(0) @binding(0) var<uniform> product: Product;
@group(0) @binding(1) var<storage, read> left: array<f32>;
@group(0) @binding(2) var<storage, read> right: array<f32>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(${workgroup}, ${workgroup})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let column = id.x * ${tile}u;
  let row = id.y * ${tile}u;
  if (row >= product.m || column >= product.n) { return; }
  let matrix = product.first + id.z;
  var left_at = product.left_offset;
  var right_at = product.right_offset;
  var rest = matrix;
  for (var axis = product.axes; axis > 0u; axis--) {
    let each = product.batch[axis - 1u];
    let x = rest % each.x;
    rest = rest / each.x;
    left_at += x * each.y;
    right_at += x * each.z;
  }
  // Rows and columns past the edge repeat the last one; their sums are not stored.
  let rows = min(vec4u(row, row + 1u, row + 2u, row + 3u), vec4u(product.m - 1u));
  let columns = min(vec4u(column, column + 1u, column + 2u, column + 3u), vec4u(product.n - 1u));
  let a = left_at + rows * product.left_row;
  let b = right_at + columns * product.right_col;
  var sums = array<vec4f, ${tile}>();
  for (var l = 0u; l < product.k; l++) {
    let p = a + l * product.left_col;
    let q = b + l * product.right_row;
    let y = vec4f(right[q.x], right[q.y], right[q.z], right[q.w]);
    sums[0] += left[p.x] * y;
    sums[1] += left[p.y] * y;
    sums[2] += left[p.z] * y;
    sums[3] += left[p.w] * y;
  }
  let to = product.to_offset + matrix * product.m * product.n;
  for (var i = 0u; i < min(${tile}u, product.m - row); i++) {
    for (var j = 0u; j < min(${tile}u, product.n - column); j++) {
      result[to + (row + i) * product.n + column + j] = sums[i][j];
    }
  }
}
`;

/** An operand: strides in elements, and where its first element lies. */
export interface MatmulOperand {
  readonly offset: number;
  readonly batch: readonly number[];
  readonly row: number;
  readonly col: number;
}

export interface MatmulSizes {
  readonly batch: readonly number[];
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly left: MatmulOperand;
  readonly right: MatmulOperand;
  /** Where the first element of the result lies. */
  readonly to: number;
}

export interface MatmulDispatch {
  readonly words: Uint32Array<ArrayBuffer>;
  readonly grid: readonly [number, number, number];
}

/** The dispatches of a product; null when a batch has more axes that do not join, or a matrix more rows, than a device takes. */
export function matmulDispatches(sizes: MatmulSizes): MatmulDispatch[] | null {
  const { m, k, n, left, right, to } = sizes;
  const axes = joinedAxes(sizes);
  const grid = [Math.ceil(n / matmulPart), Math.ceil(m / matmulPart)] as const;
  if (axes.length > mostAxes || grid.some((groups) => groups > mostGroups)) return null;
  const matrices = sizes.batch.reduce((a, b) => a * b, 1);
  const dispatches: MatmulDispatch[] = [];
  for (let first = 0; first < matrices; first += mostGroups) {
    const words = new Uint32Array(12 + 4 * mostAxes);
    words.set([m, k, n, first, left.offset, left.row, left.col, axes.length, right.offset, right.row, right.col, to]);
    axes.forEach(({ size, left: l, right: r }, i) => {
      words.set([size, l, r, 0], 12 + 4 * i);
    });
    dispatches.push({ words, grid: [...grid, Math.min(mostGroups, matrices - first)] });
  }
  return dispatches;
}

/** The axes of the batch without those of length 1, neighbours joined where both operands allow it. */
function joinedAxes({ batch, left, right }: MatmulSizes): { size: number; left: number; right: number }[] {
  const axes: { size: number; left: number; right: number }[] = [];
  batch.forEach((size, i) => {
    if (size === 1) return;
    const own = { size, left: left.batch[i], right: right.batch[i] };
    const last = axes.at(-1);
    if (last !== undefined && last.left === own.left * size && last.right === own.right * size) {
      axes[axes.length - 1] = { ...own, size: last.size * size };
    } else axes.push(own);
  });
  return axes;
}

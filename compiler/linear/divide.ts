/**
 * Eigenvectors of symmetric tridiagonal matrices by divide and conquer (Cuppen, 1981): two halves are solved, and what
 * joins them is a matrix of rank one, whose eigenvectors the secular equation gives. What a half already knows well enough
 * is deflated; vectors come from the z for which the computed roots are exact (Gu and Eisenstat, 1994), so that they are
 * orthogonal. In: d, e. Out: eigenvalues in descending order with eigenvectors as rows, all or the first few.
 */
import { secularRoot } from "./secular.js";
import { smallTridiagonal } from "./small.js";
import { from, type Matrix, multiply, rows, type Space, turned } from "./space.js";

/** Up to here the QL iteration is faster. */
const smallest = 32;

/** Which half of the rows a column has elements in. */
const top: number = 0;
const both: number = 1;
const bottom: number = 2;

/** A block of the tridiagonal matrix and of its eigenvectors. */
interface Part {
  readonly start: number;
  readonly size: number;
}

/** What is left after deflation: columns by number, in the order of their d. */
interface Kept {
  readonly columns: readonly number[];
  readonly d: Float64Array;
  readonly z: Float64Array;
  readonly kinds: readonly number[];
}

/**
 * The `count` largest eigenvalues, descending, and their eigenvectors as rows of `to` [count, n]. `d` and `e` are used up.
 */
export function tridiagonalEigen(
  space: Space,
  d: Float64Array,
  e: Float64Array,
  count: number,
  to: Float64Array,
): Float64Array {
  const n = d.length;
  const values = new Float64Array(count);
  space.within(() => {
    const q = rows(space.room(n * n), n);
    new Solver(space, d, e, q, n).solve({ start: 0, size: n }, count);
    for (let i = 0; i < count; i++) {
      const column = n - 1 - i;
      values[i] = d[column];
      for (let j = 0; j < n; j++) to[i * n + j] = q.data[j * n + column];
    }
  });
  return values;
}

class Solver {
  constructor(
    private readonly space: Space,
    private readonly d: Float64Array,
    private readonly e: Float64Array,
    private readonly q: Matrix,
    private readonly n: number,
  ) {}

  /** Solves a block: its d become ascending eigenvalues. Of the vectors only the `wanted` last ones are made. */
  solve(part: Part, wanted: number): void {
    const { start, size } = part;
    const { d, e, n } = this;
    if (size <= smallest) {
      const at = start * n + start;
      smallTridiagonal(d.subarray(start, start + size), e.subarray(start, start + size), size, this.q.data, at, n);
      return;
    }
    const upper = { start, size: size >> 1 };
    const lower = { start: start + upper.size, size: size - upper.size };
    const joint = e[lower.start - 1];
    d[lower.start - 1] -= Math.abs(joint);
    d[lower.start] -= Math.abs(joint);
    this.solve(upper, upper.size);
    this.solve(lower, lower.size);
    this.space.within(() => this.join(upper, lower, joint, wanted));
  }

  private join(upper: Part, lower: Part, joint: number, wanted: number): void {
    const { start } = upper;
    const size = upper.size + lower.size;
    const z = new Float64Array(size);
    const sign = joint < 0 ? -1 : 1;
    for (let i = 0; i < size; i++) {
      const row = i < upper.size ? lower.start - 1 : lower.start;
      z[i] = ((i < upper.size ? 1 : sign) * this.q.data[row * this.n + start + i]) / Math.SQRT2;
    }
    const rho = 2 * Math.abs(joint);
    const kept = this.deflate(upper, lower, z, rho);
    const found = this.roots(kept, rho);
    this.arrange(upper, lower, kept, found, wanted);
  }

  /** Drops what z does not reach, and turns columns with nearly equal d until one of them is not reached. */
  private deflate(upper: Part, lower: Part, z: Float64Array, rho: number): Kept {
    const { start } = upper;
    const size = upper.size + lower.size;
    const d = this.d.subarray(start, start + size);
    const order = merged(d, upper.size);
    const kinds = Array.from({ length: size }, (_, i) => (i < upper.size ? top : bottom));
    let largest = 0;
    for (let i = 0; i < size; i++) largest = Math.max(largest, Math.abs(d[i]), Math.abs(z[i]));
    const tolerance = 8 * Number.EPSILON * largest;
    const columns: number[] = [];
    let before = -1;
    for (const i of order) {
      if (rho * Math.abs(z[i]) <= tolerance) continue;
      if (before >= 0) {
        const length = Math.sqrt(z[i] * z[i] + z[before] * z[before]);
        const [cosine, sine] = [z[i] / length, -z[before] / length];
        const gap = d[i] - d[before];
        if (Math.abs(gap * cosine * sine) <= tolerance) {
          z[i] = length;
          z[before] = 0;
          this.rotate(start + before, start + i, upper, lower, cosine, sine);
          if (kinds[i] !== kinds[before]) kinds[i] = both;
          const moved = d[before] * cosine * cosine + d[i] * sine * sine;
          d[i] = d[before] * sine * sine + d[i] * cosine * cosine;
          d[before] = moved;
        } else columns.push(before);
      }
      before = i;
    }
    if (before >= 0) columns.push(before);
    return {
      columns,
      d: Float64Array.from(columns, (i) => d[i]),
      z: Float64Array.from(columns, (i) => z[i]),
      kinds: columns.map((i) => kinds[i]),
    };
  }

  private rotate(i: number, j: number, upper: Part, lower: Part, cosine: number, sine: number): void {
    const { data } = this.q;
    for (let row = upper.start; row < lower.start + lower.size; row++) {
      const [at, other] = [row * this.n + i, row * this.n + j];
      const x = data[at];
      data[at] = cosine * x + sine * data[other];
      data[other] = cosine * data[other] - sine * x;
    }
  }

  /**
   * Roots of what is left, and their eigenvectors as rows of `vectors` [k, k] in the coordinates of the kept columns,
   * those of the upper half first and those of the lower half last (`place` of each).
   */
  private roots({ d, z, kinds }: Kept, rho: number) {
    const k = d.length;
    const vectors = this.space.room(k * k);
    const values = new Float64Array(k);
    // z enters with length 1: what deflation took away goes into rho.
    let square = 0;
    for (const each of z) square += each * each;
    const length = Math.sqrt(square);
    const unit = z.map((each) => each / length);
    for (let i = 0; i < k; i++) values[i] = secularRoot(d, unit, rho * square, i, k, vectors, i * k);
    const exact = new Float64Array(k);
    for (let j = 0; j < k; j++) exact[j] = -vectors[j * k + j];
    for (let i = 0; i < k; i++) {
      for (let j = 0; j < k; j++) if (i !== j) exact[j] *= vectors[i * k + j] / (d[j] - d[i]);
    }
    for (let j = 0; j < k; j++) exact[j] = (z[j] < 0 ? -1 : 1) * Math.sqrt(Math.abs(exact[j]));
    const sorted = Array.from({ length: k }, (_, j) => j).sort((a, b) => kinds[a] - kinds[b] || a - b);
    const row = new Float64Array(k);
    for (let i = 0; i < k; i++) {
      let squares = 0;
      sorted.forEach((j, to) => {
        row[to] = exact[j] / vectors[i * k + j];
        squares += row[to] * row[to];
      });
      const scale = 1 / Math.sqrt(squares);
      for (let to = 0; to < k; to++) vectors[i * k + to] = row[to] * scale;
    }
    return { values, vectors, sorted };
  }

  /** Puts the new eigenvectors and the deflated ones into the block, in ascending order. */
  private arrange(
    upper: Part,
    lower: Part,
    kept: Kept,
    found: { readonly values: Float64Array; readonly vectors: Float64Array; readonly sorted: readonly number[] },
    wanted: number,
  ): void {
    const { space, n } = this;
    const { start } = upper;
    const size = upper.size + lower.size;
    const k = kept.columns.length;
    const d = this.d.subarray(start, start + size);
    const isKept = new Uint8Array(size);
    for (const column of kept.columns) isKept[column] = 1;
    const all = [
      ...Array.from(found.values, (value, root) => ({ value, root, column: -1 })),
      ...Array.from(d, (value, column) => ({ value, root: -1, column })).filter(({ column }) => isKept[column] === 0),
    ].sort((a, b) => a.value - b.value);
    const used = all.slice(size - wanted);
    const roots = used.flatMap(({ root }) => (root < 0 ? [] : [root]));
    // Roots are in order, so those that are wanted are the last ones.
    const first = k - roots.length;
    const joined = rows(space.room(size * roots.length), roots.length);
    const right = turned(from(rows(found.vectors, k), first, 0));
    const half = (part: Part, begin: number, end: number) => {
      const gathered = space.room(part.size * (end - begin));
      const width = end - begin;
      for (let c = 0; c < width; c++) {
        const column = start + kept.columns[found.sorted[begin + c]];
        for (let r = 0; r < part.size; r++) gathered[r * width + c] = this.q.data[(part.start + r) * n + column];
      }
      multiply(
        space,
        [part.size, roots.length, width],
        rows(gathered, width),
        from(right, begin, 0),
        from(joined, part.start - start, 0),
      );
    };
    const kindCount = (kind: number) => kept.kinds.filter((each) => each === kind).length;
    space.within(() => half(upper, 0, kindCount(top) + kindCount(both)));
    space.within(() => half(lower, kindCount(top), k));
    const line = new Float64Array(size);
    for (let r = 0; r < size; r++) {
      const at = (start + r) * n + start;
      used.forEach(({ root, column }, i) => {
        line[size - used.length + i] =
          root < 0 ? this.q.data[at + column] : joined.data[r * roots.length + root - first];
      });
      this.q.data.set(line, at);
    }
    all.forEach(({ value }, i) => {
      d[i] = value;
    });
  }
}

/** The positions of two ascending runs in ascending order. */
function merged(d: Float64Array, split: number): number[] {
  const order: number[] = [];
  for (let i = 0, j = split; i < split || j < d.length; )
    order.push(j >= d.length || (i < split && d[i] <= d[j]) ? i++ : j++);
  return order;
}

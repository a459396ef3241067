/**
 * Random merges as text, for differential tests. In: a source of random numbers. Out: definitions of merges over two
 * tensors of one shape, made of everything that a stranger may write: statistics at all scopes, selections, views,
 * joins, products, draws, folds. Results are made finite, since a run refuses others.
 */
export interface RandomMerge {
  readonly name: string;
  readonly text: string;
}

type Random = () => number;

class Writer {
  private budget = 9;

  constructor(
    private readonly random: Random,
    private readonly matrices: boolean,
  ) {}

  private pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)];
  }

  private scope(): string {
    return this.pick(["row", "column", "tensor", "model"]);
  }

  private narrow(): string {
    return this.pick(["row", "column", "tensor"]);
  }

  private leaf(): string {
    return this.pick(["x", "y", "(y - x)", "x", "(x + y)"]);
  }

  /** An expression with the shape of the arguments. */
  tensor(): string {
    if (this.budget-- <= 0) return this.leaf();
    const t = () => this.tensor();
    const n = () => this.number();
    const both: readonly (() => string)[] = [
      () => this.leaf(),
      () => `(${t()} ${this.pick(["+", "-", "*"])} ${t()})`,
      () => `(${t()} ${this.pick(["+", "-", "*"])} ${n()})`,
      () => `(${t()} / (1 + abs(${t()})))`,
      () => `${this.pick(["abs", "sign", "neg", "floor", "round", "tanh"])}(${t()})`,
      () => `${this.pick(["max", "min"])}(${t()}, ${this.pick([n, t])()})`,
      () => `where(${this.mask()}, ${t()}, ${this.pick([n, t])()})`,
      () => `(${t()} - ${this.pick(["mean", "max", "min", "sum"])}(${t()}, over = ${this.scope()}))`,
      () => `(${t()} / (1 + ${this.pick(["norm", "norm1", "std"])}(${t()}, over = ${this.scope()})))`,
      () => `(${t()} * count(${this.mask()}, over = ${this.narrow()}))`,
      () => `softmax(${t()})`,
      () => `(0.0 + rank(${t()}, over = row))`,
      () => `reshape(concat([flatten(${t()})[1..], flatten(${t()})[..1]]), shape(x))`,
      () => `concat([${t()}[div(shape(x)[0], 2)..], ${t()}[..div(shape(x)[0], 2)]], axis = 0)`,
      () => `sum(stack([${t()}, ${t()}, x]), over = 0)`,
      () => `reshape(max(stack([flatten(${t()}), flatten(y)]), over = 0), shape(x))`,
      () => `(${t()} + x[..., 0..1])`,
      () => `(${t()} * flatten(${t()})[${this.pick(["0", "-1"])}])`,
      () => `fold([x, y], ${t()}, (s, e) => s / 2 + e * ${n()})`,
      () => `sum([${t()}, ${t()}])`,
      () => `mean([${t()}, y])`,
      () => `where(argmax([${t()}, ${t()}]) == 1, ${t()}, x)`,
      () => `(${t()} * bernoulli(0.5, like = x))`,
      () => `(${t()} + uniform(shape(x), low = -1, high = 1))`,
      () => `where(randint(shape(x), 3) == 1, ${t()}, y)`,
      () => `reshape(iota(size(x)) % 7, shape(x))`,
      () => `clamp(${t()}, ${n()}, 4)`,
      () => `safe_div(${t()}, ${t()})`,
      () => `if_zero(${t()}, ${n()})`,
    ];
    const flat: readonly (() => string)[] = [
      () => `(${t()}.T.T)`,
      () => `(max(${t()}.T, over = row).T + ${t()})`,
      () => `(${t()}.T - mean(${t()}.T, over = column)).T`,
      () => `((${t()} @ x.T / 8) @ y)`,
      () => `(${t()} + (${t()}[0][none, :]))`,
      () => `(${t()} * ${t()}[:, 1][:, none])`,
      () => `concat([${t()}[:, 1..], ${t()}[:, ..1]], axis = 1)`,
      () => `(0.0 + rank(${t()}.T, over = row)).T`,
      () => `where(rank(${t()}.T, over = row) < 2, ${t()}.T, x.T).T`,
      () => `(${t()} + sum(${t()}, over = (0, 1)))`,
      () => `(sum(${t()}, over = 1)[:, none] + sum(${t()}, over = 0)[none, :]) / 16`,
      () => `reshape(reshape(${t()}, [shape(x)[1], shape(x)[0]]).T, shape(x))`,
    ];
    return this.pick(this.matrices ? [...both, ...flat, ...flat] : both)();
  }

  private number(): string {
    if (this.budget-- <= 0) return this.pick(["0.5", "2", "-1", "size(x)"]);
    const t = () => this.tensor();
    return this.pick([
      () => this.pick(["0.25", "3", "-1.5", "size(x, model)"]),
      () =>
        `${this.pick(["sum", "mean", "max", "min", "norm", "norm1", "std"])}(${t()}, over = ${this.pick(["tensor", "model"])})`,
      () => `count(${this.mask()})`,
      () => `kth_largest(${t()}, ${this.pick(["0", "3", "floor(0.5 * size(x))"])})`,
      () => `kth_smallest(${t()}, count(${this.mask()}))`,
      () => `kth_largest(${t()}, 7, over = model)`,
      () => `(${this.number()} ${this.pick(["+", "-", "*"])} ${this.number()})`,
      () => `where(${this.number()} > ${this.number()}, ${this.number()}, 1)`,
      () => `dot(${t()}, ${t()})`,
      () => `sqrt(abs(${this.number()}))`,
    ])();
  }

  private mask(): string {
    const t = () => this.tensor();
    return this.pick([
      () => `${t()} ${this.pick([">", "<", ">=", "<=", "==", "!="])} ${this.pick([t, () => this.number()])()}`,
      () =>
        `rank(${t()}, over = ${this.pick(["row", "tensor", "model"])}) ${this.pick(["<", "<=", ">", ">="])} ${this.pick(["2", "5", "2.5", "floor(0.3 * size(x, model))"])}`,
      () => `not (${t()} > 0)`,
      () => `(${t()} > 0 and ${t()} < 1)`,
      () => `(${t()} > 1 or ${t()} < 0)`,
    ])();
  }
}

/** A random merge; `matrices` if all its arguments are matrices of at least two columns. */
export function randomMerge(random: Random, name: string, matrices: boolean): RandomMerge {
  const body = new Writer(random, matrices).tensor();
  const text = `merge ${name}(x: Tensor[*s], y: Tensor[*s]) -> Weight[*s] {
  let e = 0.0 + ${body}
  return where(is_finite(e), clamp(e, -1000, 1000), 0)
}
`;
  return { name, text };
}

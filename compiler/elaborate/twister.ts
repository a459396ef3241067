/**
 * Permutations as other libraries draw them, for files that hold values by such positions and not the positions: a 32-bit
 * Mersenne Twister from a seed, and Fisher-Yates from the front, each step taking one raw draw modulo what is left. Source:
 * Matsumoto and Nishimura 1998 (MT19937); the use of the draws as in torch.randperm on a CPU.
 */

const size = 624;

/** Raw 32-bit draws. */
function draws(seed: number): () => number {
  const state = new Uint32Array(size);
  state[0] = seed >>> 0;
  for (let i = 1; i < size; i++) {
    const previous = state[i - 1] ^ (state[i - 1] >>> 30);
    state[i] = (Math.imul(1812433253, previous) + i) >>> 0;
  }
  let at = size;
  const turn = () => {
    for (let i = 0; i < size; i++) {
      const joined = (state[i] & 0x80000000) | (state[(i + 1) % size] & 0x7fffffff);
      state[i] = state[(i + 397) % size] ^ (joined >>> 1) ^ (joined & 1 ? 0x9908b0df : 0);
    }
    at = 0;
  };
  return () => {
    if (at === size) turn();
    let x = state[at++];
    x ^= x >>> 11;
    x ^= (x << 7) & 0x9d2c5680;
    x ^= (x << 15) & 0xefc60000;
    return (x ^ (x >>> 18)) >>> 0;
  };
}

/** The first `count` entries of the permutation of 0 to n - 1 that `seed` gives. Works in the memory of `count` entries. */
export function twisterPermutation(n: number, count: number, seed: number): number[] {
  const draw = draws(seed);
  const moved = new Map<number, number>();
  const at = (i: number) => moved.get(i) ?? i;
  return Array.from({ length: Math.min(count, n) }, (_, i) => {
    const j = i < n - 1 ? i + (draw() % (n - i)) : i;
    const chosen = at(j);
    moved.set(j, at(i));
    return chosen;
  });
}

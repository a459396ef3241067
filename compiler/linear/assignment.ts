/**
 * Linear assignment: a column for each row, no two alike, so that the costs sum to the least. In: costs [n, m], n <= m. Out:
 * the column of each row. Rows enter one by one along the cheapest path of changes, which prices of rows and columns keep
 * short (Kuhn, 1955; in the form of Jonker and Volgenant, 1987): O(n^2 m) steps.
 */

/** The column of each row, of several best ones the first that the search meets; -1 everywhere where a cost is no number. */
export function assign(costs: Float64Array, n: number, m: number): Int32Array {
  if (!costs.every((cost) => Number.isFinite(cost))) return new Int32Array(n).fill(-1);
  const none = -1;
  const rowPrice = new Float64Array(n);
  const columnPrice = new Float64Array(m);
  const rowOf = new Int32Array(m).fill(none);
  for (let entering = 0; entering < n; entering++) {
    const distance = new Float64Array(m).fill(Number.POSITIVE_INFINITY);
    const before = new Int32Array(m).fill(none);
    const isDone = new Uint8Array(m);
    let column = none;
    let row = entering;
    let reached = 0;
    do {
      let nearest = none;
      for (let j = 0; j < m; j++) {
        if (isDone[j] === 1) continue;
        const length = reached + costs[row * m + j] - rowPrice[row] - columnPrice[j];
        if (length < distance[j]) {
          distance[j] = length;
          before[j] = column;
        }
        if (nearest === none || distance[j] < distance[nearest]) nearest = j;
      }
      column = nearest;
      reached = distance[column];
      isDone[column] = 1;
      row = rowOf[column];
    } while (row !== none);
    rowPrice[entering] += reached;
    for (let j = 0; j < m; j++) {
      if (isDone[j] === 0 || j === column) continue;
      columnPrice[j] += distance[j] - reached;
      rowPrice[rowOf[j]] -= distance[j] - reached;
    }
    while (column !== none) {
      const previous = before[column];
      rowOf[column] = previous === none ? entering : rowOf[previous];
      column = previous;
    }
  }
  const result = new Int32Array(n);
  rowOf.forEach((row, j) => {
    if (row !== none) result[row] = j;
  });
  return result;
}

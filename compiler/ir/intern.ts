/**
 * Hash consing: equal operations on the same arguments are one node. In: an operation, its arguments (compared by
 * identity), its attributes (compared by their JSON text). Out: the node that was made first. A recipe over a large
 * model asks for some ten thousand nodes several times, so keys are numbers, not texts.
 */
import type { Attrs, Node } from "./graph.js";

export type Make = (op: string, args: readonly Node[], attrs: Attrs) => Node;

/** Wraps `create`, which makes a new node with the next number, so that it runs once for equal arguments. */
export function interning(create: Make): Make {
  /** Operation and attributes → a number. */
  const labels = new Map<string, number>();
  const heads = new Map<number, Node>();
  /** By node number: the label, and the next node with the same hash. */
  const labelOf: number[] = [];
  const nextOf: (Node | undefined)[] = [];

  const label = (op: string, attrs: Attrs): number => {
    const text = isEmpty(attrs) ? op : op + JSON.stringify(attrs);
    let number = labels.get(text);
    if (number === undefined) {
      number = labels.size;
      labels.set(text, number);
    }
    return number;
  };

  return (op, args, attrs) => {
    const own = label(op, attrs);
    let hash = own;
    for (let i = 0; i < args.length; i++) hash = (Math.imul(hash, 0x01000193) ^ args[i].id) | 0;
    const head = heads.get(hash);
    for (let node = head; node !== undefined; node = nextOf[node.id]) {
      if (labelOf[node.id] === own && sameNodes(node.args, args)) return node;
    }
    const node = create(op, args, attrs);
    labelOf[node.id] = own;
    nextOf[node.id] = head;
    heads.set(hash, node);
    return node;
  };
}

function isEmpty(attrs: Attrs): boolean {
  for (const _ in attrs) return false;
  return true;
}

function sameNodes(a: readonly Node[], b: readonly Node[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

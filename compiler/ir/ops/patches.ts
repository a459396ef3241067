/**
 * The windows of images [n, channels, height, width] as the columns of matrices (`patches`), and the transpose of that,
 * which adds windows back into images (`fold_patches`). Convolution and pooling are made of them (convolution.ts).
 *
 * Both are written with views, zeros and sums, so that no target needs code for them: window element (i, j) of all
 * windows is one slice with a stride, which is a slice of a reshape. Windows that tile the image are a mere reshape.
 * Lists in attributes are [along height, along width].
 */
import type { Attrs, Graph, Node, Shape } from "../graph.js";
import { sizeOf } from "../graph.js";
import { reshape } from "./adjoint.js";
import type { Attributes } from "./attributes.js";
import { exactly, type OpRow, ShapeError, showShape } from "./row.js";

type Pair = readonly [number, number];

/** Windows of an image: their sizes, and how many there are along height and width. */
export interface Windows {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Pair;
  readonly dilation: Pair;
  readonly image: Pair;
  readonly count: Pair;
}

export const windowAttributes = {
  kernel: "positions",
  stride: "positions",
  padding: "positions",
  dilation: "positions",
} as const satisfies Attributes;

export function windowsOf(attrs: Attrs, image: readonly number[]): Windows {
  const pair = (name: string): Pair => {
    const value = attrs[name] as readonly number[];
    const least = name === "padding" ? 0 : 1;
    if (value.length !== 2 || value.some((each) => each < least))
      throw new ShapeError(`${name} is [along height, along width], at least ${least}, found ${showShape(value)}`);
    return value as Pair;
  };
  const [kernel, stride, padding, dilation] = ["kernel", "stride", "padding", "dilation"].map(pair);
  const count = [0, 1].map((d) => {
    const free = image[d] + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1;
    if (free < 0) throw new ShapeError(`a window of ${showShape(kernel)} does not fit an image of ${showShape(image)}`);
    return Math.floor(free / stride[d]) + 1;
  });
  return { kernel, stride, padding, dilation, image: [image[0], image[1]], count: [count[0], count[1]] };
}

export function checkImages(op: string, x: Node): void {
  if (x.shape.length !== 4)
    throw new ShapeError(`${op} takes images [n, channels, height, width], found ${showShape(x.shape)}`, "axis");
}

/** Calls `visit` with the position in the image and in the patches for every element of every window inside the image. */
export function eachElement(w: Windows, images: number, visit: (pixel: number, patch: number) => void): void {
  const [kh, kw] = w.kernel;
  const [oh, ow] = w.count;
  for (let m = 0; m < images; m++) {
    for (let i = 0; i < kh * kw; i++) {
      for (let o = 0; o < oh * ow; o++) {
        const y = Math.floor(o / ow) * w.stride[0] - w.padding[0] + Math.floor(i / kw) * w.dilation[0];
        const x = (o % ow) * w.stride[1] - w.padding[1] + (i % kw) * w.dilation[1];
        if (y < 0 || y >= w.image[0] || x < 0 || x >= w.image[1]) continue;
        visit((m * w.image[0] + y) * w.image[1] + x, (m * kh * kw + i) * oh * ow + o);
      }
    }
  }
}

/** Puts the last two axes, `before` places later, into axes of the given lengths; the new places get `fill`. */
function frame(g: Graph, x: Node, before: Pair, length: Pair, fill: number): Node {
  return [0, 1].reduce((framed, d) => {
    const axis = x.shape.length - 2 + d;
    const after = length[d] - before[d] - framed.shape[axis];
    const filled = (n: number) => {
      const shape = framed.shape.map((size, i) => (i === axis ? n : size));
      return g.make("broadcast", [g.constant(fill, true)], { shape });
    };
    const parts = [...(before[d] > 0 ? [filled(before[d])] : []), framed, ...(after > 0 ? [filled(after)] : [])];
    return parts.length === 1 ? framed : g.make("concat", parts, { axis });
  }, x);
}

/** Every `stride`-th element of the last two axes from `start`, `count` of them. The axes reach start + count * stride. */
function strided(g: Graph, x: Node, start: Pair, count: Pair, stride: Pair): Node {
  const lead = x.shape.slice(0, -2);
  const zeros = lead.map(() => 0);
  const window = [count[0] * stride[0], count[1] * stride[1]];
  const cut = g.make("slice", [x], { start: [...zeros, ...start], size: [...lead, ...window] });
  if (stride[0] === 1 && stride[1] === 1) return cut;
  const split = reshape(g, cut, [...lead, count[0], stride[0], count[1], stride[1]]);
  const first = g.make("slice", [split], {
    start: [...zeros, 0, 0, 0, 0],
    size: [...lead, count[0], 1, count[1], 1],
  });
  return reshape(g, first, [...lead, ...count]);
}

function expandPatches(g: Graph, x: Node, w: Windows, fill: number): Node {
  const [n, channels] = x.shape;
  const [kh, kw] = w.kernel;
  const [oh, ow] = w.count;
  const tiles = [0, 1].every((d) => w.kernel[d] === w.stride[d] && w.dilation[d] === 1 && w.padding[d] === 0);
  if (tiles && oh * kh === w.image[0] && ow * kw === w.image[1]) {
    const split = reshape(g, x, [n, channels, oh, kh, ow, kw]);
    const order = g.make("transpose", [split], { perm: [0, 1, 3, 5, 2, 4] });
    return reshape(g, order, [n, channels * kh * kw, oh * ow]);
  }
  const reach = (d: 0 | 1) => w.dilation[d] * (w.kernel[d] - 1) + w.count[d] * w.stride[d];
  const framed = frame(g, x, w.padding, [reach(0), reach(1)], fill);
  const columns = Array.from({ length: kh * kw }, (_, i) => {
    const start: Pair = [Math.floor(i / kw) * w.dilation[0], (i % kw) * w.dilation[1]];
    return reshape(g, strided(g, framed, start, w.count, w.stride), [n, channels, 1, oh * ow]);
  });
  const all = columns.length === 1 ? columns[0] : g.make("concat", columns, { axis: 2 });
  return reshape(g, all, [n, channels * kh * kw, oh * ow]);
}

/** Pixel p gets element i of window o where o * stride - padding + i * dilation = p: a sum of shifted, spread windows. */
function expandFold(g: Graph, columns: Node, w: Windows, channels: number): Node {
  const [n] = columns.shape;
  const [kh, kw] = w.kernel;
  const [oh, ow] = w.count;
  const lead = [n, channels, kh * kw];
  const origins = reshape(g, columns, [...lead, oh, 1, ow, 1]);
  const spread =
    w.stride[0] === 1 && w.stride[1] === 1
      ? origins
      : g.make("pad", [origins], {
          before: origins.shape.map(() => 0),
          after: [0, 0, 0, 0, w.stride[0] - 1, 0, w.stride[1] - 1],
        });
  const grid = reshape(g, spread, [...lead, oh * w.stride[0], ow * w.stride[1]]);
  const margin: Pair = [w.dilation[0] * (kh - 1), w.dilation[1] * (kw - 1)];
  const size = [0, 1].map((d) => margin[d] + Math.max(w.image[d] + w.padding[d], w.count[d] * w.stride[d]));
  const framed = frame(g, grid, margin, [size[0], size[1]], 0);
  const shifted = Array.from({ length: kh * kw }, (_, i) => {
    const row = margin[0] + w.padding[0] - Math.floor(i / kw) * w.dilation[0];
    const column = margin[1] + w.padding[1] - (i % kw) * w.dilation[1];
    const part = g.make("slice", [framed], {
      start: [0, 0, i, row, column],
      size: [n, channels, 1, ...w.image],
    });
    return reshape(g, part, [n, channels, ...w.image]);
  });
  return shifted.reduce((sum, part) => g.make("add", [sum, part]));
}

export const patches: readonly OpRow[] = [
  {
    name: "patches",
    doc: "the windows of images [n, c, h, w] as columns [n, c kh kw, windows]: attributes kernel, stride, padding, dilation (two numbers each), fill (of the padding, 0 if left out)",
    arity: 1,
    fusion: "composite",
    attributes: { ...windowAttributes, "fill?": "number" },
    infer([x], attrs) {
      checkImages("patches", x);
      const { kernel, count } = windowsOf(attrs, x.shape.slice(2));
      return { shape: [x.shape[0], x.shape[1] * sizeOf(kernel), sizeOf(count)], dtype: "f32" };
    },
    evaluate([x], attrs, node) {
      const result = new Float64Array(sizeOf(node.shape)).fill(Number(attrs.fill ?? 0));
      eachElement(windowsOf(attrs, x.shape.slice(2)), x.shape[0] * x.shape[1], (pixel, patch) => {
        result[patch] = x.data[pixel];
      });
      return result;
    },
    expand(g, [x], attrs) {
      const number = x.dtype === "f32" ? x : g.make("cast", [x], { to: "float" });
      return expandPatches(g, number, windowsOf(attrs, x.shape.slice(2)), Number(attrs.fill ?? 0));
    },
    gradient(g, node, up) {
      const [x] = node.args;
      const { kernel, stride, padding, dilation } = node.attrs;
      const image = x.shape.slice(2);
      return [g.make("fold_patches", [up], { kernel, stride, padding, dilation, image })];
    },
    tolerance: exactly,
  },
  {
    name: "fold_patches",
    doc: "adds windows [n, c kh kw, windows] back into images [n, c, h, w]: attributes kernel, stride, padding, dilation, image (two numbers each)",
    arity: 1,
    fusion: "composite",
    attributes: { ...windowAttributes, image: "positions" },
    infer([columns], attrs) {
      const image = attrs.image as Shape;
      if (image.length !== 2) throw new ShapeError(`image is [height, width], found ${showShape(image)}`);
      const { kernel, count } = windowsOf(attrs, image);
      const [n, depth, windows] = columns.shape;
      if (columns.shape.length !== 3 || depth % sizeOf(kernel) !== 0 || windows !== sizeOf(count)) {
        throw new ShapeError(
          `windows of ${showShape(image)} are [n, c * ${sizeOf(kernel)}, ${sizeOf(count)}], found ${showShape(columns.shape)}`,
        );
      }
      return { shape: [n, depth / sizeOf(kernel), ...image], dtype: "f32" };
    },
    evaluate([columns], attrs, node, round) {
      const result = new Float64Array(sizeOf(node.shape));
      eachElement(windowsOf(attrs, attrs.image as Shape), node.shape[0] * node.shape[1], (pixel, patch) => {
        result[pixel] = round(result[pixel] + columns.data[patch]);
      });
      return result;
    },
    expand(g, [columns], attrs, node) {
      const number = columns.dtype === "f32" ? columns : g.make("cast", [columns], { to: "float" });
      return expandFold(g, number, windowsOf(attrs, attrs.image as Shape), node.shape[1]);
    },
    gradient(g, node, up) {
      const { kernel, stride, padding, dilation } = node.attrs;
      return [g.make("patches", [up], { kernel, stride, padding, dilation })];
    },
    tolerance: { wasm: { ulp: 64, abs: 1e-6 }, wgsl: { ulp: 256, abs: 1e-5 } },
  },
];

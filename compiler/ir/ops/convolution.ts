/**
 * Two-dimensional convolution and pooling of images [n, channels, height, width]: a matrix product with, or a reduction
 * of, the windows of the images (patches.ts). Lists in attributes are [along height, along width].
 */
import { sizeOf } from "../graph.js";
import { reshape } from "./adjoint.js";
import { checkImages, eachElement, windowAttributes, windowsOf } from "./patches.js";
import { type OpRow, ShapeError, showShape } from "./row.js";

function pooling(name: "max_pool" | "mean_pool", doc: string): OpRow {
  const fill = name === "max_pool" ? "-Infinity" : 0;
  return {
    name,
    doc,
    arity: 1,
    fusion: "composite",
    attributes: windowAttributes,
    infer([x], attrs) {
      checkImages(name, x);
      return { shape: [x.shape[0], x.shape[1], ...windowsOf(attrs, x.shape.slice(2)).count], dtype: "f32" };
    },
    evaluate([x], attrs, node, round) {
      const w = windowsOf(attrs, x.shape.slice(2));
      const windows = sizeOf(w.count);
      const area = sizeOf(w.kernel);
      const result = new Float64Array(sizeOf(node.shape)).fill(Number(fill));
      eachElement(w, x.shape[0] * x.shape[1], (pixel, patch) => {
        const at = Math.floor(patch / (area * windows)) * windows + (patch % windows);
        result[at] = name === "max_pool" ? Math.max(result[at], x.data[pixel]) : result[at] + x.data[pixel];
      });
      return name === "max_pool" ? result : result.map((sum) => round(sum / area));
    },
    expand(g, [x], attrs, node) {
      const w = windowsOf(attrs, x.shape.slice(2));
      const { kernel, stride, padding, dilation } = w;
      const columns = g.make("patches", [x], { kernel, stride, padding, dilation, fill });
      const windows = reshape(g, columns, [x.shape[0], x.shape[1], sizeOf(kernel), sizeOf(w.count)]);
      const pooled = g.make(name === "max_pool" ? "reduce_max" : "mean", [windows], { axes: [2] });
      return reshape(g, pooled, node.shape);
    },
    tolerance: { wasm: { ulp: 64, abs: 1e-6 }, wgsl: { ulp: 256, abs: 1e-5 } },
  };
}

export const convolution: readonly OpRow[] = [
  {
    name: "conv2d",
    doc: "arguments images [n, c, h, w], weight [o, c / groups, kh, kw] and perhaps bias [o]: cross-correlation with zeros around the images: attributes stride, padding, dilation (two numbers each), groups",
    arity: 2,
    optional: 1,
    fusion: "composite",
    attributes: { stride: "positions", padding: "positions", dilation: "positions", groups: "whole" },
    infer([x, weight, bias], attrs) {
      checkImages("conv2d", x);
      checkImages("the weight of conv2d", weight);
      const groups = attrs.groups as number;
      const [out, depth, ...kernel] = weight.shape;
      if (groups < 1 || out % groups !== 0 || depth * groups !== x.shape[1]) {
        throw new ShapeError(
          `${groups} groups of ${showShape(weight.shape)} do not read images of ${x.shape[1]} channels`,
          "inner",
        );
      }
      if (bias !== undefined && (bias.shape.length !== 1 || bias.shape[0] !== out))
        throw new ShapeError(`the bias of conv2d is [${out}], found ${showShape(bias.shape)}`);
      return { shape: [x.shape[0], out, ...windowsOf({ ...attrs, kernel }, x.shape.slice(2)).count], dtype: "f32" };
    },
    evaluate([x, weight, bias], attrs, node, round) {
      const [out, depth, ...kernel] = weight.shape;
      const w = windowsOf({ ...attrs, kernel }, x.shape.slice(2));
      const [area, windows, channels] = [sizeOf(kernel), sizeOf(w.count), x.shape[1]];
      const perGroup = out / (attrs.groups as number);
      const result = new Float64Array(sizeOf(node.shape));
      result.forEach((_, i) => {
        result[i] = bias?.data[Math.floor(i / windows) % out] ?? 0;
      });
      eachElement(w, x.shape[0] * channels, (pixel, patch) => {
        const plane = Math.floor(patch / (area * windows));
        const [image, channel] = [Math.floor(plane / channels), plane % channels];
        const element = Math.floor(patch / windows) % area;
        const group = Math.floor(channel / depth);
        for (let o = group * perGroup; o < (group + 1) * perGroup; o++) {
          const factor = weight.data[(o * depth + (channel % depth)) * area + element];
          result[(image * out + o) * windows + (patch % windows)] += factor * x.data[pixel];
        }
      });
      return result.map(round);
    },
    expand(g, [x, weight, bias], attrs, node) {
      const [out, depth, ...kernel] = weight.shape;
      const groups = attrs.groups as number;
      const { stride, padding, dilation } = attrs;
      const columns = g.make("patches", [x], { kernel, stride, padding, dilation });
      const inner = depth * sizeOf(kernel);
      const grouped = reshape(g, columns, [x.shape[0], groups, inner, columns.shape[2]]);
      const matrices = reshape(g, weight, [groups, out / groups, inner]);
      const images = reshape(g, g.make("matmul", [matrices, grouped]), node.shape);
      return bias === undefined ? images : g.make("add", [images, reshape(g, bias, [out, 1, 1])]);
    },
    tolerance: { wasm: { ulp: 64, abs: 1e-5 }, wgsl: { ulp: 256, abs: 1e-5 } },
  },
  pooling(
    "max_pool",
    "largest element of each window of images [n, c, h, w]: attributes kernel, stride, padding, dilation; equal elements share the gradient",
  ),
  pooling(
    "mean_pool",
    "mean of each window of images [n, c, h, w], zeros of the padding included: attributes kernel, stride, padding, dilation",
  ),
];

/** The diagnostics of the GPU runner, by code: what `peftc explain V0xx` prints. */
import type { Catalogue } from "../../../grammar/index.js";

export const gpuCatalogue: Catalogue = {
  V001: {
    title: "the webgpu package is missing",
    page: `The GPU runs through Dawn, which comes as the optional npm package webgpu. It is missing when the installation
left optional packages out, or when the package has no binary for this machine.

  wrong   npm install -g peftc --omit=optional
  right   npm install -g peftc, or npm install -g webgpu beside it

\`peftc run recipe.peft --device cpu\` needs no GPU and gives the same models.`,
  },
  V002: {
    title: "no GPU adapter",
    page: `Dawn found no device that it can use: no driver for Vulkan (Linux), D3D12 (Windows) or Metal (macOS), or none with
the name that was asked for. \`peftc doctor\` lists the adapters that there are.

  wrong   --device gpu in a container without the graphics driver
  right   install the Vulkan driver of the card (on NVIDIA: the capability "graphics" of the container), or --device cpu`,
  },
  V003: {
    title: "too large for the GPU",
    page: `A piece of memory is larger than the device binds at once, or a tensor has more elements than the GPU can number
(about 4.1 billion). The executor cuts tensors into chunks that fit; values that cannot be cut must fit whole.

  wrong   a chunk of 8 GiB on a device that binds 2 GiB
  right   --memory with a smaller limit, or --device cpu, which has other limits`,
  },
  V004: {
    title: "the GPU was lost",
    page: `The driver reset the device, or ran out of memory, while work was under way. Results of that work are gone; nothing
that looks finished was written. Long kernels on a GPU that also drives a display are a common cause.

  wrong   another program that fills the GPU's memory beside the run
  right   run again with a smaller --memory, or with --device cpu`,
  },
  V005: {
    title: "the GPU refuses a kernel",
    page: `The WGSL that peftc generated does not compile on this device, or breaks one of its limits. This is a mistake in
peftc: \`peftc emit --stage wgsl recipe.peft\` shows the code; please report it together with the message.

  until it is mended   --device cpu`,
  },
  V006: {
    title: "the GPU is out of memory",
    page: `The device could not give a buffer of this size: its memory is full.

  wrong   --memory 30GB on a card of 24 GB
  right   --memory 16GB, and no other program on the card`,
  },
};

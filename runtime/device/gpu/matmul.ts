/**
 * Products of matrices on a GPU. In: calls on memory of one device. Out: commands in an encoder. The pipeline is made
 * with the first product.
 */
import { type MatmulDispatch, matmulDispatches, matmulWgsl } from "../../../compiler/targets/wgsl/index.js";
import type { MatmulCall } from "../matmul.js";
import { gpuError } from "./failure.js";
import type { GpuMemory } from "./memory.js";

export interface ProductBuffers {
  readonly left: GpuMemory;
  readonly right: GpuMemory;
  readonly to: GpuMemory;
}

/** The dispatches of a call. Throws V003 for a product that a GPU cannot number. */
export function planProduct({ batch, m, k, n, left, right, to }: MatmulCall): MatmulDispatch[] {
  const operand = (side: MatmulCall["left"]) => ({ ...side, offset: side.region.offset / 4 });
  const sizes = { batch, m, k, n, left: operand(left), right: operand(right), to: to.offset / 4 };
  const dispatches = matmulDispatches(sizes);
  if (dispatches === null) {
    throw gpuError(
      "V003",
      `a product of [${[...batch, m, k]}] and [${[...batch, k, n]}] is too large for the GPU`,
      "use --device cpu",
    );
  }
  return dispatches;
}

export class Products {
  private pipeline: GPUComputePipeline | null = null;

  constructor(private readonly device: GPUDevice) {}

  /** Adds a dispatch to the encoder; `uniform` holds its words. */
  encode(encoder: GPUCommandEncoder, buffers: ProductBuffers, uniform: GPUBuffer, dispatch: MatmulDispatch): void {
    const pipeline = this.compiled();
    const entries = [uniform, buffers.left.buffer, buffers.right.buffer, buffers.to.buffer].map((buffer, binding) => ({
      binding,
      resource: { buffer },
    }));
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, this.device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(...dispatch.grid);
    pass.end();
  }

  private compiled(): GPUComputePipeline {
    this.pipeline ??= this.device.createComputePipeline({
      layout: "auto",
      compute: { module: this.device.createShaderModule({ code: matmulWgsl }), entryPoint: "main" },
    });
    return this.pipeline;
  }
}

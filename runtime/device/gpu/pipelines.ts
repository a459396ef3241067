/**
 * A compiled kernel of a device. In: its WGSL program. Out: the layout of its bindings and a
 * pipeline for each entry and workgroup size, made once.
 */
import type { Dispatch, WgslProgram } from "../../../compiler/targets/wgsl/index.js";

export interface CompiledKernel {
  readonly bindings: GPUBindGroupLayout;
  has(dispatch: Dispatch): boolean;
  pipeline(dispatch: Dispatch): GPUComputePipeline;
}

const compute = 4;

const keyOf = ({ entry, workgroupSize }: Dispatch) => `${entry} ${workgroupSize}`;

/** Makes the shader module of a kernel. Mistakes in it are reported to the error scope that is open. */
export function compileKernel(device: GPUDevice, program: WgslProgram): CompiledKernel {
  const { layout } = program;
  const module = device.createShaderModule({ code: program.code });
  const entry = (binding: number, type: GPUBufferBindingType): GPUBindGroupLayoutEntry => ({
    binding,
    visibility: compute,
    buffer: { type },
  });
  const bindings = device.createBindGroupLayout({
    entries: [
      entry(0, "uniform"),
      ...[...new Set(layout.inputBindings)].map((b) => entry(b, "read-only-storage")),
      ...layout.outputBindings.map((b) => entry(b, "storage")),
      ...(layout.results === null ? [] : [entry(layout.results, "storage")]),
      ...(layout.counts === null ? [] : [entry(layout.counts, "storage")]),
    ],
  });
  const pipelineLayout = device.createPipelineLayout({ bindGroupLayouts: [bindings] });
  const pipelines = new Map<string, GPUComputePipeline>();
  return {
    bindings,
    has: (dispatch) => pipelines.has(keyOf(dispatch)),
    pipeline(dispatch) {
      const { entry: entryPoint, workgroupSize } = dispatch;
      const key = keyOf(dispatch);
      const known = pipelines.get(key);
      if (known !== undefined) return known;
      const constants: Record<string, number> = entryPoint === "main" ? { workgroup_size: workgroupSize } : {};
      const made = device.createComputePipeline({ layout: pipelineLayout, compute: { module, entryPoint, constants } });
      pipelines.set(key, made);
      return made;
    },
  };
}

/**
 * Tint without a driver: Dawn's null backend compiles WGSL and builds pipelines but runs nothing. In: WGSL. Out: what
 * the compiler says. The tests send every kernel through it.
 */
import { type DawnOptions, openAdapter, openDevice } from "./dawn.js";

export interface WgslMessage {
  readonly type: "error" | "warning" | "info";
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

export interface NullCompiler {
  /** Messages of the compiler; pipelines of the named entries are built too and their errors are at line 0. */
  compile(code: string, entries?: readonly string[]): Promise<WgslMessage[]>;
  close(): void;
}

/** Opens the null backend. Throws V001 when the package webgpu is missing. */
export async function openNullCompiler(options: Pick<DawnOptions, "load"> = {}): Promise<NullCompiler> {
  const device = await openDevice(await openAdapter({ ...options, flags: ["backend=null"] }));
  return {
    async compile(code, entries = []) {
      device.pushErrorScope("validation");
      const module = device.createShaderModule({ code });
      const info = await module.getCompilationInfo();
      const messages = info.messages.map(
        ({ type, lineNum, linePos, message }): WgslMessage => ({ type, line: lineNum, column: linePos, text: message }),
      );
      if (!messages.some((m) => m.type === "error")) {
        for (const entryPoint of entries)
          device.createComputePipeline({ layout: "auto", compute: { module, entryPoint } });
      }
      const error = await device.popErrorScope();
      if (error !== null && !messages.some((m) => m.type === "error")) {
        messages.push({ type: "error", line: 0, column: 0, text: error.message });
      }
      return messages;
    },
    close: () => device.destroy(),
  };
}

/** What Tint says about one module. */
export async function compileOnNull(code: string, entries: readonly string[] = []): Promise<WgslMessage[]> {
  const compiler = await openNullCompiler();
  try {
    return await compiler.compile(code, entries);
  } finally {
    compiler.close();
  }
}

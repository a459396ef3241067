export { gpuCatalogue } from "./catalogue.js";
export { type AdapterName, type DawnModule, type DawnOptions, listAdapters } from "./dawn.js";
export { compileOnNull, type NullCompiler, openNullCompiler, type WgslMessage } from "./null.js";
export { type GpuInfo, type GpuRunner, openGpu } from "./runner.js";

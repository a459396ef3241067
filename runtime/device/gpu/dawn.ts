/**
 * Dawn, loaded on demand. In: switches of Dawn and the name of an adapter. Out: adapters and devices. The object that
 * `create` returns must stay reachable: Dawn aborts the process when it is collected before its devices. So each is made
 * once for its switches and kept as long as the process.
 */
import { gpuError, reasonOf } from "./failure.js";

/** The parts of the npm package `webgpu` that are used. */
export interface DawnModule {
  create(flags: string[]): GPU;
}

export interface DawnOptions {
  /** Name of an adapter, or a part of it; without it Dawn chooses. */
  readonly adapter?: string;
  /** Switches of Dawn, such as "backend=null". */
  readonly flags?: readonly string[];
  /** Loads the package; for tests. Rejects when it is not there. */
  readonly load?: () => Promise<DawnModule>;
}

/** An adapter as `peftc doctor` shows it. */
export interface AdapterName {
  readonly backend: string;
  readonly name: string;
}

const instances = new WeakMap<DawnModule, Map<string, GPU>>();

function instanceOf(dawn: DawnModule, flags: string[]): GPU {
  const made = instances.get(dawn) ?? new Map<string, GPU>();
  instances.set(dawn, made);
  const key = flags.join("\n");
  const gpu = made.get(key) ?? dawn.create(flags);
  made.set(key, gpu);
  return gpu;
}

async function loadDawn(load: DawnOptions["load"]): Promise<DawnModule> {
  try {
    return await (load ?? (async () => (await import("webgpu")) as DawnModule))();
  } catch (error) {
    throw gpuError(
      "V001",
      `the package webgpu cannot be loaded: ${reasonOf(error)}`,
      "install the optional package webgpu, or use --device cpu",
    );
  }
}

/**
 * The adapters that Dawn can use. Throws V001 when the package is missing. Dawn has no list; it prints one in the error
 * for a name that does not exist.
 */
export async function listAdapters(options: DawnOptions = {}): Promise<AdapterName[]> {
  const dawn = await loadDawn(options.load);
  try {
    await dawn.create([...(options.flags ?? []), "adapter=\u0000"]).requestAdapter();
  } catch (error) {
    return [...reasonOf(error).matchAll(/backend: '([^']*)', name: '([^']*)'/g)].map(([, backend, name]) => ({
      backend,
      name,
    }));
  }
  return [];
}

/** An adapter. Throws V001 and V002. */
export async function openAdapter(options: DawnOptions): Promise<GPUAdapter> {
  const dawn = await loadDawn(options.load);
  const flags = [...(options.flags ?? []), ...(options.adapter === undefined ? [] : [`adapter=${options.adapter}`])];
  const gpu = instanceOf(dawn, flags);
  let adapter: GPUAdapter | null;
  try {
    adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  } catch (error) {
    throw gpuError(
      "V002",
      `no GPU adapter matches ${JSON.stringify(options.adapter ?? flags.join(" "))}`,
      "see peftc doctor for the names of the adapters",
      [reasonOf(error)],
    );
  }
  if (adapter === null) {
    throw gpuError("V002", "Dawn found no GPU adapter", "install the graphics driver of the card, or use --device cpu");
  }
  return adapter;
}

/** Limits that are worth having; the rest stay at what every device guarantees. */
const wanted = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupsPerDimension",
] as const;

/** A device with the adapter's limits. Throws V002 when the adapter gives none. */
export async function openDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const requiredLimits = Object.fromEntries(wanted.map((name) => [name, adapter.limits[name]]));
  try {
    return await adapter.requestDevice({ requiredLimits });
  } catch (error) {
    throw gpuError(
      "V002",
      `the GPU adapter gives no device: ${reasonOf(error)}`,
      "update the graphics driver, or use --device cpu",
    );
  }
}

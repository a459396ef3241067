/**
 * Weights on disk. Reading: `openCheckpoint`, `readHeader`, `inspectPath`. Writing: `planOutput`, `checkTarget`,
 * `checkSpace`, `openOutput`. Identity: `tensorListDigest`, `DigestCache`. Only headers and small texts are read here;
 * the bytes of tensors are read and written by whoever computes, at the offsets given here.
 */
export { isSystemError, readFailure, readRange, readText, withFile } from "./access.js";
export { openAdapter } from "./adapter.js";
export { checkpointCatalogue } from "./catalogue.js";
export { type Checkpoint, openCheckpoint } from "./checkpoint.js";
export { type ConfigFile, configText, parseConfig, readConfig, withEntries } from "./config.js";
export { type DigestLine, tensorListDigest } from "./digest.js";
export { cacheFolder, DigestCache, type FileIdentity, identifyFile } from "./digest-cache.js";
export { readHeader, type SafetensorsHeader, type TensorEntry } from "./header.js";
export { type DtypeTotal, type InspectedFile, type Inspection, inspectPath } from "./inspect.js";
export { type Json, type JsonNode, type JsonObject, type JsonResult, parseJson, plainJson } from "./json.js";
export {
  type CarriedFile,
  namesOneFile,
  type OutputPlan,
  type OutputRequest,
  type OutputTensor,
  type PlannedFile,
  type PlannedTensor,
  planOutput,
  type TextFile,
} from "./layout.js";
export { type Output, openOutput } from "./output.js";
export { byBytes, escapeName, quoteName } from "./quote.js";
export { checkSpace, checkTarget, type TargetOptions } from "./target.js";
export type { TiedPair } from "./tied.js";

export { builtinNames, builtinParams, isBuiltin } from "./builtins/index.js";
export { elaborateCatalogue } from "./catalogue.js";
export { adaptersCatalogue } from "./catalogue-adapters.js";
export { layersCatalogue } from "./catalogue-layers.js";
export * from "./elaborate.js";
export { byteOrder } from "./lift.js";
export * from "./session.js";
export type { Donor, Leaf as TreeLeaf, TensorValue, TreeValue, Value as StaticValue } from "./value.js";
export { describe } from "./value.js";

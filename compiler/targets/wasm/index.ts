export { emitWasm, printWasm } from "./emit.js";
export { type Frame, frameOf, histogramStride, readAhead, resultBytes, resultFill } from "./frame.js";
export { emitMatmul, matmulFrame, matmulPanelBytes } from "./matmul.js";
export { emitProduct, emitSymmetric, productFrame, productPanelBytes, symmetricFrame } from "./products.js";

export { emitWasm, printWasm } from "./emit.js";
export { type Frame, frameOf, readAhead, resultBytes, resultFill } from "./frame.js";

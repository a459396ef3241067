export { GradientError, gradient } from "./reverse.js";

export { type ResidentCpu, residentCpu } from "./runner.js";

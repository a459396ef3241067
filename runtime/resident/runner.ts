/** The seam between the resident machine and a device. */
import type { Runner } from "../device/index.js";

export type ResidentRunner = Runner;

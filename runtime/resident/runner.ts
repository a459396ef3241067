/** The seam between the resident machine and a device: a runner of kernels that also multiplies matrices. */
import type { MatmulCall, Runner } from "../device/index.js";

export interface ResidentRunner extends Runner {
  matmul(call: MatmulCall): void | Promise<void>;
}

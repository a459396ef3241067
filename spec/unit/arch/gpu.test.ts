/** Networks on a Dawn device: the tests of logits and of gradients. PEFTC_TEST_GPU=1 runs this folder on the machine's own. */
import { test } from "uvu";
import { testOnSoftwareGpu } from "../../gpu/child.js";

for (const name of ["forward", "gradients"])
  testOnSoftwareGpu(`${name} on the software driver`, new URL(`./${name}.test.js`, import.meta.url));
test.run();

/** The pages of the mistakes that the CPU device reports. */
import type { Catalogue } from "../../../grammar/index.js";

export const cpuCatalogue: Catalogue = {
  V050: {
    title: "a piece of work does not fit into a thread's memory",
    page: `The CPU device gives each thread at most 4 GiB. Work is cut into pieces that fit well below that; an operation
that needs whole tensors side by side (a decomposition, a statistic over columns) can still ask for more.

    peftc run merge.peft --device cpu --memory 64GB     // pieces may become too large
    peftc run merge.peft --device cpu --memory 2GB      // smaller pieces`,
  },
  V051: {
    title: "the system gives no more memory",
    page: `The CPU device asked the operating system for memory and was refused. Each thread holds its own pieces.

    peftc run merge.peft --threads 64                   // on a machine with little memory
    peftc run merge.peft --threads 4 --memory 1GB       // fewer threads, smaller pieces`,
  },
};

/** Pages of the diagnostics about writing (F05x, F06x). */
import type { Catalogue } from "../../grammar/index.js";

export const outputPages: Catalogue = {
  F050: {
    title: "output exists",
    page: `The folder to save to is there and not empty, or the file is there. peftc replaces it only when told to; the old one
stays until the new one is complete.

  wrong   peftc run merge.peft            // out/merged is from yesterday
  right   peftc run merge.peft --force`,
  },
  F051: {
    title: "folder is not an output",
    page: `--force replaces folders that hold a model (peftc.json or a .safetensors file). This one holds something else, so
it stays.

  wrong   save(m, to = "documents")
  right   save(m, to = "documents/merged")`,
  },
  F052: {
    title: "protected folder",
    page: `Saving there would replace the root, your home directory, the working directory, or a folder that the run reads.
No flag allows it.

  wrong   save(m, to = ".")     save(m, to = "models")   // models/base is an input
  right   save(m, to = "out/merged")`,
  },
  F053: {
    title: "target of another sort",
    page: `A model is saved as a folder; to a path that ends in .safetensors its tensors alone are saved, as one file. The target, or
something above it, is of another sort, or what is saved needs a folder: shards, and adapters with their config.

  wrong   save(m, to = "out/merged.safetensors", shard = 5GB)
  right   save(m, to = "out/merged", shard = 5GB)       // or one file: save(m, to = "out/merged.safetensors")`,
  },
  F054: {
    title: "another run is writing",
    page: `A run that is still alive (or that works on another machine, where peftc cannot tell) is writing to the same
target. Its hidden folder beside the target has the lock. Remove that folder only if the run is dead.

  wrong   two runs that save to out/merged at once
  right   one after the other, or two targets`,
  },
  F055: {
    title: "output cannot be written",
    page: `The system refuses to write: permissions, a read-only disk, a name that is too long.

  wrong   save(m, to = "/usr/merged")
  right   save(m, to = "out/merged")`,
  },
  F056: {
    title: "not enough disk space",
    page: `The size of an output is known before the run. With --force the old output needs its space until the new one is
complete.

  wrong   15 GB to save, 9 GB free
  right   save(m, to = "/big/disk/merged"), or dtype = bf16`,
  },
  F057: {
    title: "impossible tensor name",
    page: `Two tensors of an output have one name, or a name cannot stand in a safetensors file: __metadata__, or half of a
surrogate pair.

  wrong   renaming both q_proj and k_proj to attn
  right   a new name for each`,
  },
  F058: {
    title: "impossible shard size",
    page: `A shard holds at least one byte of tensors.

  wrong   save(m, to = "out", shard = 0GB)
  right   save(m, to = "out", shard = 5GB)`,
  },
  F059: {
    title: "impossible file name in the output",
    page: `Files of an output lie directly in its folder, each under its own plain name.

  wrong   a report named "../report.json"
  right   a report named "report.json"`,
  },
  F060: {
    title: "disk is full",
    page: `Space ran out during the run, perhaps because of another program. The unfinished output is removed; nothing that
was there before has changed.

  wrong   9 GB free for two runs of 5 GB each
  right   one run after the other`,
  },
  F061: {
    title: "nothing to write",
    page: `The value to save has no tensors.

  wrong   save(m where name matches "nothing.*", to = "out")
  right   save(m, to = "out")`,
  },
  F062: {
    title: "impossible tensor",
    page: `A tensor to save has a length that is no whole number from 0 on, or more than 2^53 bytes, or there are more
tensors than one header can list.

  wrong   a shape of [-1, 64]
  right   a shape of [32, 64]`,
  },
};

/**
 * The canonical text of a kernel: what `emit --stage kernels` prints and what makes two kernels equal. In: a kernel
 * without its text. Out: a line for each input, output, instruction and root.
 */
import type { Access, Instr, Kernel, Root } from "../kernels/index.js";

export function kernelText(kernel: Omit<Kernel, "text">): string {
  return [
    `kernel ${kernel.flat ? "flat" : "rows"}, ${kernel.params} params, ${kernel.integers} integers`,
    ...kernel.inputs.map((input, i) => `  in${i}: ${input.dtype} ${accessText(input.access)}`),
    ...kernel.outputs.map((output, i) => `  out${i}: ${output.dtype} ${output.access}`),
    ...kernel.instrs.map((instr, i) => `  %${i} = ${instrText(instr)}`),
    ...kernel.roots.map((root) => `  ${rootText(root)}`),
  ].join("\n");
}

function instrText({ op, args, attrs, lane, level }: Instr): string {
  return `${op}${args.map((a) => ` %${a}`).join("")}${attrsText(attrs)} : ${lane} ${level}`;
}

function attrsText(attrs: Instr["attrs"]): string {
  const keys = Object.keys(attrs).sort();
  return keys.length === 0 ? "" : ` {${keys.map((k) => `${k}: ${JSON.stringify(attrs[k])}`).join(", ")}}`;
}

function accessText(access: Access): string {
  if (access.kind !== "strided") return access.kind;
  return `strided dims [${access.dims.join(", ")}] strides [${access.strides.join(", ")}] offset ${access.offset}`;
}

function rootText(root: Root): string {
  switch (root.kind) {
    case "store":
      return `store %${root.value} -> out${root.output}`;
    case "accumulate":
      return `accumulate ${root.fn} %${root.value}`;
    case "argmax":
      return `argmax %${root.value}`;
    case "column":
      return `column ${root.fn} %${root.value}`;
    case "histogram":
      return `histogram %${root.key} from i${root.lo} shift i${root.shift} bins ${root.bins}`;
  }
}

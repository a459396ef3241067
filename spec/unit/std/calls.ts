/**
 * A call of every merge of the standard library, with the options that change which kernels it needs. In: nothing. Out:
 * recipes over the checkpoints `base`, `a` and `b` (and `c` where it is named) that save to `out`. A merge without a
 * call here fails the test of this list in spec/unit/schedule.
 */

/** Calls by the name under which tests report them; the first word is the merge. */
export const calls: Readonly<Record<string, string>> = {
  arcee_fusion: "arcee_fusion(base, a)",
  breadcrumbs: "breadcrumbs(base, [a, b])",
  breadcrumbs_ties: "breadcrumbs_ties(base, [a, b])",
  dare_linear: "dare_linear(base, [a, b])",
  dare_ties: "dare_ties(base, [a, b])",
  della: "della(base, [a, b])",
  della_linear: "della_linear(base, [a, b])",
  karcher: "karcher([base, a, b])",
  linear: "linear([base, a, b], weights = [0.5, 0.25, 0.25])",
  lines: "lines(base, a, alpha = 0.25, beta = 0.5)",
  magnitude_prune: "magnitude_prune(base, [a, b], density = [50%, 30%])",
  model_stock: "model_stock(base, [a, b])",
  "model_stock filter_wise": "model_stock(base, [a, b], filter_wise = true)",
  multislerp: "multislerp([a, b])",
  "multislerp base": "multislerp([a, b], base = base)",
  nearswap: "nearswap(base, a, t = 0.01)",
  nuslerp: "nuslerp([a, b])",
  "nuslerp column": "nuslerp([a, b], base = base, over = column)",
  "nuslerp row": "nuslerp([a, b], over = row)",
  passthrough: "passthrough(base, scale = 0.5)",
  ram: "ram(base, [a, b])",
  ramplus_tl: "ramplus_tl(base, [a, b])",
  sce: "sce(base, [a, b], select_topk = 30%)",
  slerp: "slerp(base, a, t = 0.3)",
  task_arithmetic: "task_arithmetic(base, [a, b], weights = [0.5, 0.25])",
  ties: "ties(base, [a, b])",
  "ties model": "ties(base, [a, b], scope = model)",
  "ties normmass": 'ties(base, [a, b], elect = "normmass", agg = "max")',
  ties_peft: "ties_peft(base, [a, b])",
  "ties_peft frequency": 'ties_peft(base, [a, b], majority = "frequency")',
  ties_weighted: 'ties_weighted(base, [a, b], density = [50%, 30%], rescale = "l1")',
};

/** The text of a recipe that makes one call; `save` are further arguments of `save`. */
export function recipeOf(name: string, call: string, save = ""): string {
  const merge = name.split(" ")[0];
  return `use std.merge.{${merge}}
recipe r {
  let base = load("base"), a = load("a"), b = load("b")
  save(${call}, to = "out"${save === "" ? "" : `, ${save}`})
}
`;
}

/** Every merge of the standard library with arguments that reach each of its branches, as recipes over base, a and b. */
const calls: Readonly<Record<string, string>> = {
  linear: "linear([a, b], weights = [0.3, 0.9])",
  passthrough: "passthrough(a, scale = 0.5)",
  slerp: "slerp(a, b, t = 0.3)",
  nearswap: "nearswap(base, a, t = 0.01)",
  arcee_fusion: "arcee_fusion(base, a)",
  task_arithmetic: "task_arithmetic(base, [a, b], weights = [0.5, 0.7])",
  magnitude_prune: "magnitude_prune(base, [a, b], density = [30%, 60%])",
  ties: "ties(base, [a, b], density = 20%)",
  ties_model: "ties(base, [a, b], density = 30%, scope = model)",
  ties_model_normfrac: "ties(base, [a, b], density = 30%, elect = normfrac, agg = max, scope = model)",
  ties_normmass: "ties(base, [a, b], elect = normmass, agg = sum)",
  ties_weighted: "ties_weighted(base, [a, b], weights = [0.5, 0.5], density = [40%, 70%], rescale = l1)",
  ties_peft: 'ties_peft(base, [a, b], density = 50%, majority = "frequency")',
  dare_linear: "dare_linear(base, [a, b], density = [40%, 40%])",
  dare_ties: "dare_ties(base, [a, b], density = [40%, 60%], rescale = inverse)",
  della: "della(base, [a, b], density = [40%, 60%])",
  della_linear: "della_linear(base, [a, b], rescale = inverse)",
  breadcrumbs: "breadcrumbs(base, [a, b], density = [60%, 80%], gamma = [5%, 1%])",
  breadcrumbs_ties: "breadcrumbs_ties(base, [a, b])",
  model_stock: "model_stock(base, [a, b])",
  model_stock_rows: "model_stock(base, [a, b], filter_wise = true)",
  nuslerp: "nuslerp([a, b], weights = [0.6, 0.4])",
  nuslerp_row: "nuslerp([a, b], weights = [0.6, 0.4], base = base, over = row)",
  nuslerp_column: "nuslerp([a, b], weights = [0.6, 0.4], base = base, over = column)",
  multislerp: "multislerp([a, b], weights = [0.5, 0.3], base = base)",
  karcher: "karcher([base, a, b])",
  sce: "sce(base, [a, b], select_topk = 50%)",
  ram: "ram(base, [a, b], epsilon = 0.01)",
  ramplus_tl: "ramplus_tl(base, [a, b], epsilon = 0.01, r = 0.3, alpha = 0.8)",
  tsv: "tsv(base, [a, b])",
  iso_c: "iso_c(base, [a, b])",
  iso_cts: "iso_cts(base, [a, b], common = 60%)",
  knots: "knots(base, [a, b], density = 40%)",
  consensus_masks: "consensus_masks(base, [a, b])",
  tall_model: "tall_model(base, a, [a, b])",
  fisher: "fisher([a, b], [a * a, b * b])",
  magmax: "magmax(base, [a, b])",
  geometric_median: "geometric_median([base, a, b], steps = 8)",
  lines: "lines(base, a, alpha = 0.2, beta = 0.8)",
  lines_after: "lines(base, a, alpha = lines_alpha(base, [a, b], task_arithmetic(base, [a, b])), beta = 0.5)",
};

const imports = ["linear", "passthrough", "slerp", "nearswap", "arcee_fusion", "task_arithmetic", "magnitude_prune"]
  .concat(["ties", "ties_weighted", "ties_peft", "dare_linear", "dare_ties", "della", "della_linear", "breadcrumbs"])
  .concat(["breadcrumbs_ties", "model_stock", "nuslerp", "multislerp", "karcher", "sce", "ram", "ramplus_tl", "lines"])
  .concat(["lines_alpha", "tsv", "iso_c", "iso_cts", "knots", "consensus_masks", "magmax", "geometric_median"])
  .concat(["tall_model", "fisher"]);

/** Recipes by a name for each variant. `dtype` is that of the output. */
export function libraryRecipes(dtype: string | null = null): Map<string, string> {
  return new Map(
    Object.entries(calls).map(([name, call]): [string, string] => {
      const names = imports.filter((n) => new RegExp(`\\b${n}\\(`).test(call));
      const loads = ["base", "a", "b"].filter((m) => new RegExp(`[(\\[ ]${m}[,\\])]`).test(call));
      const save = `save(${call}, to = "out"${dtype === null ? "" : `, dtype = ${dtype}`})`;
      return [
        name,
        `use std.merge.{${names.join(", ")}}

recipe merged {
  let ${loads.map((m) => `${m} = load("${m}")`).join(", ")}
  ${save}
}
`,
      ];
    }),
  );
}

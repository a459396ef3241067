/**
 * OT fusion (examples/methods/ot-fusion) against its golden cases: maps, hard and soft, and a network fused without data. The
 * mean of the two networks fails.
 */
import { test } from "uvu";
import { casesOf, farFrom, method, near } from "./method.js";

const ot = method("examples/methods/ot-fusion/ot_fusion.peft");

for (const { name, kind, params, tol, inputs, outputs, naive } of casesOf("ot-fusion")) {
  if (kind === "plan") {
    const m = inputs.get("M")!;
    const isHard = params.solver === "emd";
    if (isHard && m.shape[0] !== m.shape[1]) continue;
    test(`ot-fusion ${name}`, () => {
      const found = ot.value(isHard ? "hard_map(m)" : `soft_map(m, ${params.reg})`, { m });
      near(found, outputs.get("T")!, tol, `${name} T`);
    });
  } else if (name === "mlp-wts") {
    test(`ot-fusion ${name}`, () => {
      const tensors = Object.fromEntries([...inputs].map(([role, t]) => [role.replace(".", "_"), t]));
      const { shape } = inputs.get("m0.W0")!;
      // One block, so that each map is searched for once.
      const roles = ["T0", "T1", "fused.W0", "fused.b0", "fused.W1", "fused.b1", "fused.W2", "fused.b2"];
      const value = ot.value(
        `{
          let one = fuse_layer(m0_W0, m0_b0, m1_W0, m1_b0, same(${shape[1]}), reg = ${params.reg})
          let two = fuse_layer(m0_W1, m0_b1, m1_W1, m1_b1, one.map, reg = ${params.reg})
          let last = fuse_last(m0_W2, m1_W2, two.map)
          let parts = [one.map, two.map, one.weight, one.bias, two.weight, two.bias, last, (m0_b2 + m1_b2) / 2]
          return concat([flatten(p) for p in parts])
        }`,
        tensors,
      );
      let begin = 0;
      for (const role of roles) {
        const wanted = outputs.get(role)!;
        const data = Array.from(value.data).slice(begin, begin + wanted.data.length);
        begin += data.length;
        near({ shape: wanted.shape, data }, wanted, tol, role);
        if (naive.has(role) && role !== "fused.b2") farFrom({ shape: wanted.shape, data }, naive.get(role)!, tol);
      }
    });
  }
}

test.run();

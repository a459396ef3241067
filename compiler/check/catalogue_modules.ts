/** Codes about modules, adapters, routers and optimizers. */
import type { Catalogue } from "../../grammar/index.js";

export const moduleCodes: Catalogue = {
  T020: {
    title: "the adapter does nothing",
    page: `An adapter says what it does to its host: \`delta\` is added to the weight, \`weight'\` takes its place, \`update(x)\` is
added to the output, \`forward(x)\` takes the place of the call, a \`part\` that of a part of the host.

Wrong:
    adapter shift() on linear(weight: Weight[out, in]) { param b: Tensor[out] = zeros() }
Right:
    adapter shift() on linear(weight: Weight[out, in]) { param b: Tensor[out] = zeros(); update(x) = b }`,
  },
  T021: {
    title: "member given twice",
    page: `A definition has one \`forward\`, one \`update\`, one \`rule\`, one part of each name, one \`delta\`, one \`config\`. Cases stand
inside one function.

Wrong:
    adapter a() on linear(weight: Weight[out, in]) { delta = weight * 0; delta = weight * 1 }
Right:
    adapter a(k: Int = 0) on linear(weight: Weight[out, in]) { delta = if k == 0 then weight * 0 else weight }`,
  },
  T022: {
    title: "not a state",
    page: `\`m <- e\` gives a state its next value. It takes what the definition declares with \`state\`, \`carry\` or \`buffer\`, in a \`rule\`
a \`param\` too. Every other value keeps its name for good; a \`let\` makes a new one.

Wrong:
    optimizer o(lr: Float) { update(p, g) { lr <- lr / 2; return p - lr * g } }
Right:
    optimizer o(lr: Float) { state n = 0; update(p, g) { n <- n + 1; return p - lr / n * g } }`,
  },
  T023: {
    title: "a statement of modules stands elsewhere",
    page: `\`<-\` stands in the functions of modules and optimizers, \`loss\` and \`emit\` in those of modules and in the bodies of routers.
A lambda inside them is a function of its own: it gives back what it has computed.

Wrong:
    def f(x: Tensor[*s]) -> Tensor[*s] { loss norm(x); return x }
Right:
    module m() { forward(x: Tensor[*s]) -> Tensor[*s] { loss norm(x); return x } }`,
  },
  T024: {
    title: "a field without a shape",
    page: `The shape of a field comes from its declared type, or from a first value that has one. Initialisers (zeros, ones,
constant, identity, uniform, normal, kaiming_uniform, kaiming_normal, xavier_uniform, xavier_normal) take it from the type.

Wrong:
    module m(n: Int) { param a = normal(std = 0.02); forward(x) = a * x }
Right:
    module m(n: Int) { param a: Tensor[n] = normal(std = 0.02); forward(x) = a * x }`,
  },
  T025: {
    title: "an optimizer without update",
    page: `An optimizer is its \`update\`: from a parameter, its gradient and the number of the step (from 1) it gives the new parameter.

Wrong:
    optimizer sgd(lr: Float) { step(p, g) = p - lr * g }
Right:
    optimizer sgd(lr: Float) { update(p, g) = p - lr * g }`,
  },
  T026: {
    title: "a router without gates",
    page: `The body of a router reads the input that its \`on\` clause names and returns the gates, one for each expert.

Wrong:
    router r(n: Int) on (x: Tensor[*b, d]) -> Tensor[*b, n] { param w: Tensor[n, d] = zeros() }
Right:
    router r(n: Int) on (x: Tensor[*b, d]) -> Tensor[*b, n] { param w: Tensor[n, d] = zeros(); return softmax(x @ w.T) }`,
  },
  T027: {
    title: "a member of another kind of definition",
    page: `\`delta\` and \`weight'\` stand in adapters; an optimizer keeps nothing but \`state\`; only the body of a router returns a value.

Wrong:
    optimizer sgd(lr: Float) { buffer m = zeros_like(p); update(p, g) = p - lr * g }
Right:
    optimizer sgd(lr: Float) { state m = zeros_like(p); update(p, g) { m <- m + g; return p - lr * m } }`,
  },
};

/** The pages of the diagnostics that the text form of the tensor graph gives. */
import type { Catalogue } from "../../grammar/index.js";

export const irCatalogue: Catalogue = {
  I001: {
    title: "the text of a tensor graph is not of its form",
    page: [
      "A tensor graph is written as one line a node and a last line that names the results:",
      "",
      '  %0 = input {source: "base", name: "w", dtype: F32} : f32[4]',
      "  %1 = neg %0 : f32[4]",
      "  return %1",
      "",
      "Wrong: `%1 = neg(%0) : f32[4]`. Right: `%1 = neg %0 : f32[4]`. The chapter is spec/ir.md.",
    ].join("\n"),
  },
  I002: {
    title: "no operation of the tensor graph has this name",
    page: [
      "The operations of the tensor graph are the rows of one table, which spec/ir.md prints.",
      "They are not the functions of the language: what a recipe calls `norm` is `norm2` here.",
      "",
      "Wrong: `%1 = norm %0 {axes: [0]} : f64`. Right: `%1 = norm2 %0 {axes: [0]} : f64`.",
    ].join("\n"),
  },
  I003: {
    title: "a name in the text of a tensor graph is missing or given twice",
    page: [
      "Each line makes one new node, and uses only nodes of earlier lines. An attribute is given once.",
      "",
      "Wrong:                          Right:",
      "  %1 = neg %2 : f32[4]            %2 = abs %0 : f32[4]",
      "  %2 = abs %0 : f32[4]            %1 = neg %2 : f32[4]",
    ].join("\n"),
  },
  I004: {
    title: "an operation of a tensor graph does not fit its arguments or its stated type",
    page: [
      "The type behind the colon must be what the operation gives for its arguments and attributes.",
      "Rank-0 values live on the host and are f64, i64 or bool; tensors are f32, i32 or bool.",
      "",
      "With %0 : f32[4, 3] wrong:                   right:",
      "  %1 = reduce_sum %0 {axes: [0]} : f32[4]      %1 = reduce_sum %0 {axes: [0]} : f32[3]",
    ].join("\n"),
  },
};

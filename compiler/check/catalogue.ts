/**
 * The codes of the checker, all together. The elaborator reports under the same codes when it finds the same mistakes
 * with concrete shapes and values.
 */
import type { Catalogue } from "../../grammar/index.js";
import { moduleCodes } from "./catalogue_modules.js";
import { nameCodes } from "./catalogue_names.js";
import { shapeCodes } from "./catalogue_shapes.js";
import { typeCodes } from "./catalogue_types.js";

export const checkCatalogue: Catalogue = {
  ...nameCodes,
  ...typeCodes,
  ...moduleCodes,
  ...shapeCodes,
};

/** The diagnostics of this folder, by code: what `peftc explain F0xx` prints. */
import type { Catalogue } from "../../grammar/index.js";
import { folderPages } from "./pages-folder.js";
import { headerPages } from "./pages-header.js";
import { outputPages } from "./pages-output.js";

export const checkpointCatalogue: Catalogue = { ...headerPages, ...folderPages, ...outputPages };

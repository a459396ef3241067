/**
 * Datasets on disk: `openDataset` gives tables as values, `openTokenizer` text to ids, `DatasetReader` the bytes of rows,
 * and the checks hold data against a model.
 */
export { datasetCatalogue } from "./catalogue.js";
export { checkLabels, checkTokenIds, checkVocabulary } from "./checks.js";
export { type DatasetOptions, type OpenedDataset, openDataset } from "./open.js";
export { DatasetReader } from "./reader.js";
export { type EncodeOptions, openTokenizer, type TextTokenizer } from "./tokenizer.js";
export { ignoredLabel } from "./tokens.js";
export { readVocabulary, type TokenList, withTokens } from "./vocabulary.js";

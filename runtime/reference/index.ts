export { type Entry, libraryText, referenceEntries } from "./reference.js";

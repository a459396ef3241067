/** Sources for a benchmark. In: a name, and the exports wanted, as TypeScript. Out: the module. */
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import { buildSync } from "esbuild";

export async function bundled(name, contents) {
  const outfile = path.resolve(`dist/bench/${name}.js`);
  buildSync({
    stdin: { contents, resolveDir: process.cwd(), loader: "ts" },
    bundle: true,
    packages: "external",
    format: "esm",
    platform: "node",
    target: "node20",
    outfile,
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  });
  return import(pathToFileURL(outfile).href);
}

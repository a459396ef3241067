/**
 * The project's own sources, as the architecture tests see them. In: nothing; run from the root of the repository. Out:
 * every TypeScript file of the product with its imports, identifiers and strings, parsed by ts-morph.
 */
import * as path from "node:path";
import { Node, Project, type SourceFile, SyntaxKind } from "ts-morph";

export const layers = ["grammar", "compiler", "runtime"] as const;
export type Layer = (typeof layers)[number];

const root = process.cwd();
const project = new Project({ skipAddingFilesFromTsConfig: true, compilerOptions: { allowJs: false } });
project.addSourceFilesAtPaths(layers.map((layer) => `${root}/${layer}/**/*.ts`));
project.addSourceFilesAtPaths([`${root}/spec/**/*.ts`, `!${root}/spec/golden/**`]);

/** Files below a folder, by their path from the root. */
export function filesUnder(folder: string): { readonly name: string; readonly file: SourceFile }[] {
  return project
    .getSourceFiles()
    .map((file) => ({ name: path.relative(root, file.getFilePath()), file }))
    .filter(({ name }) => name.startsWith(`${folder}/`));
}

/** What a file imports: as written, from static and dynamic imports and from re-exports. */
export function importsOf(file: SourceFile): string[] {
  const fixed = [...file.getImportDeclarations(), ...file.getExportDeclarations()].flatMap(
    (declaration) => declaration.getModuleSpecifierValue() ?? [],
  );
  const dynamic = file.getDescendantsOfKind(SyntaxKind.CallExpression).flatMap((call) => {
    const [argument] = call.getArguments();
    const isImport = call.getExpression().getKind() === SyntaxKind.ImportKeyword;
    return isImport && argument !== undefined && Node.isStringLiteral(argument) ? [argument.getLiteralValue()] : [];
  });
  return [...fixed, ...dynamic];
}

/** The file, from the root, that a relative import of `name` means. */
export function resolveImport(name: string, specifier: string): string {
  return path.normalize(path.join(path.dirname(name), specifier)).replace(/\.js$/, ".ts");
}

export interface Word {
  readonly text: string;
  readonly kind: "identifier" | "text";
  readonly line: number;
}

/** Identifiers, strings and pieces of templates of a file; comments are left out. */
export function wordsOf(file: SourceFile): Word[] {
  const words: Word[] = [];
  file.forEachDescendant((node) => {
    const kind = wordKinds.get(node.getKind());
    if (kind !== undefined) words.push({ text: node.getText(), kind, line: node.getStartLineNumber() });
  });
  return words;
}

const wordKinds: ReadonlyMap<SyntaxKind, Word["kind"]> = new Map([
  [SyntaxKind.Identifier, "identifier"],
  [SyntaxKind.PrivateIdentifier, "identifier"],
  [SyntaxKind.StringLiteral, "text"],
  [SyntaxKind.NoSubstitutionTemplateLiteral, "text"],
  [SyntaxKind.TemplateHead, "text"],
  [SyntaxKind.TemplateMiddle, "text"],
  [SyntaxKind.TemplateTail, "text"],
  [SyntaxKind.RegularExpressionLiteral, "text"],
]);

/** Uses of global names: identifiers that are neither members of something nor declared in the file. */
export function globalsOf(
  file: SourceFile,
  names: ReadonlySet<string>,
): { readonly text: string; readonly line: number }[] {
  const used: { readonly text: string; readonly line: number }[] = [];
  const declared = new Set<string>();
  file.forEachDescendant((node) => {
    if (!Node.isIdentifier(node) || !names.has(node.getText())) return;
    const parent = node.getParent();
    if (Node.isPropertyAccessExpression(parent) && parent.getExpression() !== node) return;
    if (Node.isPropertyNamed(parent) || Node.isMethodDeclaration(parent) || Node.isPropertySignature(parent)) return;
    const declares =
      Node.isVariableDeclaration(parent) || Node.isParameterDeclaration(parent) || Node.isFunctionDeclaration(parent);
    if (declares && parent.getNameNode() === node) declared.add(node.getText());
    used.push({ text: node.getText(), line: node.getStartLineNumber() });
  });
  return used.filter(({ text }) => !declared.has(text));
}

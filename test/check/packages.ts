import { readdirSync, readFileSync } from "node:fs";
import { join, posix, relative, sep } from "node:path";
import * as z from "zod";
import type { PackageFacts } from "./fences.js";
import { sourceFacts, type SourceFacts } from "./source-facts.js";

const Dependencies = z.record(z.string(), z.string()).default({});
const Manifest = z.looseObject({
  name: z.string(),
  exports: z.record(z.string(), z.unknown()).default({}),
  dependencies: Dependencies,
  devDependencies: Dependencies,
  optionalDependencies: Dependencies,
  peerDependencies: Dependencies,
});
const TsConfig = z.looseObject({ references: z.array(z.object({ path: z.string() })).default([]) });

const notSource: ReadonlySet<string> = new Set(["dist", "fixtures", "node_modules", "results"]);

/** Every package below `packages/`, `functions/`, and `test/` and `infra/` with the dependencies of the root. */
export function readPackages(root: string): readonly PackageFacts[] {
  const folders = readdirSync(join(root, "packages"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `packages/${entry.name}`)
    .toSorted();
  const packages = [...folders, "functions"].map((folder) => readPackage(root, folder));
  return [...packages, readTopmost(root, "infra"), readTopmost(root, "test")];
}

function readPackage(root: string, folder: string): PackageFacts {
  const at = (file: string): string => join(root, folder, file);
  const manifest = Manifest.parse(readJson(at("package.json")));
  const files = listFiles(at("."));
  const { references } = TsConfig.parse(readJson(at("tsconfig.json")));
  return {
    folder,
    name: manifest.name,
    dependencies: dependenciesOf(manifest),
    exports: new Set(Object.keys(manifest.exports)),
    references: new Set(references.map(({ path }) => posix.join(folder, path))),
    files: new Set(files),
    sources: readSources(at("."), files),
  };
}

function readTopmost(root: string, folder: string): PackageFacts {
  const manifest = Manifest.parse(readJson(join(root, "package.json")));
  const files = listFiles(join(root, folder));
  return {
    folder,
    name: manifest.name,
    dependencies: dependenciesOf(manifest),
    exports: new Set(),
    references: undefined,
    files: new Set(files),
    sources: readSources(join(root, folder), files),
  };
}

function dependenciesOf(manifest: z.infer<typeof Manifest>): ReadonlySet<string> {
  return new Set([
    ...Object.keys(manifest.dependencies),
    ...Object.keys(manifest.devDependencies),
    ...Object.keys(manifest.optionalDependencies),
    ...Object.keys(manifest.peerDependencies),
  ]);
}

function listFiles(folder: string): readonly string[] {
  const walk = (inside: string): readonly string[] =>
    readdirSync(inside, { withFileTypes: true }).flatMap((entry) => {
      const path = join(inside, entry.name);
      if (entry.isDirectory()) return notSource.has(entry.name) ? [] : walk(path);
      return [relative(folder, path).split(sep).join("/")];
    });
  return walk(folder).toSorted();
}

function readSources(folder: string, files: readonly string[]): ReadonlyMap<string, SourceFacts> {
  const sources = files.filter((file) => /\.(ts|tsx|js|mjs)$/.test(file));
  return new Map(sources.map((file) => [file, sourceFacts(file, readFileSync(join(folder, file), "utf8"))]));
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"));
}

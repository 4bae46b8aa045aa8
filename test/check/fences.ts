import { isBuiltin } from "node:module";
import { posix } from "node:path";
import type { ImportUse, SourceFacts } from "./source-facts.js";

/** One workspace package, or `test/`, which is the topmost of them. Paths are relative to its folder. */
export interface PackageFacts {
  /** Relative to the repository: `packages/core`. */
  readonly folder: string;
  readonly name: string;
  readonly dependencies: ReadonlySet<string>;
  /** The subpaths that others may import: `.`, `./worker`. */
  readonly exports: ReadonlySet<string>;
  /** Folders (relative to the repository) that tsconfig.json refers to; undefined where references are not used. */
  readonly references: ReadonlySet<string> | undefined;
  readonly files: ReadonlySet<string>;
  readonly sources: ReadonlyMap<string, SourceFacts>;
}

export interface Violation {
  readonly place: string;
  readonly message: string;
}

/** A package may depend only on packages that stand before it. */
const order = [
  "@stampede/core",
  "@stampede/graph",
  "@stampede/runtime",
  "@stampede/data",
  "@stampede/training",
  "@stampede/local",
  "@stampede/aws",
  "@stampede/api",
  "@stampede/functions",
  "@stampede/client",
  "@stampede/cli",
  "@stampede/dashboard",
  "@stampede/testing",
  "@stampede/examples",
  "stampede",
] as const;

/** Only the tests stand above these. */
const onlyForTests: ReadonlySet<string> = new Set(["@stampede/testing", "@stampede/examples"]);

const vendors = [
  { scope: "@aws-sdk/", packages: ["@stampede/aws"] },
  {
    scope: "@tensorflow/",
    packages: ["@stampede/graph", "@stampede/runtime", "@stampede/client", "@stampede/examples"],
  },
] as const;

/** No I/O, no clock, no timers, no randomness. */
const pure: ReadonlySet<string> = new Set(["@stampede/core", "@stampede/training"]);
/** What the pure packages may use of Node: functions of their arguments. */
const pureBuiltins: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ["node:crypto", new Set(["createHash"])],
  ["node:zlib", new Set(["crc32"])],
]);

/** Of every package; one that others can import has `src/index.ts` as well. */
const required = ["package.json", "README.md", "tsconfig.json"] as const;
const testsName = "stampede";

/** Everything that crosses a fence between packages, in a stable order. */
export function violations(packages: readonly PackageFacts[]): readonly Violation[] {
  const byName = new Map(packages.map((facts) => [facts.name, facts]));
  return packages.flatMap((facts) => [
    ...missingFiles(facts),
    ...wrongDependencies(facts),
    ...wrongReferences(facts, byName),
    ...[...facts.sources].flatMap(([path, source]) => wrongSource(facts, path, source, byName)),
  ]);
}

function missingFiles(facts: PackageFacts): readonly Violation[] {
  if (facts.name === testsName) return [];
  const wanted = facts.exports.has(".") ? [...required, "src/index.ts"] : required;
  return wanted
    .filter((file) => !facts.files.has(file))
    .map((file) => ({ place: facts.folder, message: `has no ${file}, which every package has` }));
}

function wrongDependencies(facts: PackageFacts): readonly Violation[] {
  const place = `${facts.folder}/package.json`;
  if (rankOf(facts.name) === -1) {
    return [{ place, message: `${facts.name} has no place in the order of packages (test/check/fences.ts)` }];
  }
  return [...facts.dependencies].flatMap((dependency) => {
    const message = wrongDependency(facts, dependency);
    return message === undefined ? [] : [{ place, message: `depends on ${dependency}: ${message}` }];
  });
}

function wrongDependency({ name }: PackageFacts, dependency: string): string | undefined {
  const vendor = vendors.find(({ scope }) => dependency.startsWith(scope));
  if (vendor !== undefined && name !== testsName && !vendor.packages.some((allowed) => allowed === name)) {
    return `only ${vendor.packages.join(", ")} may use ${vendor.scope}*`;
  }
  if (!dependency.startsWith("@stampede/")) return undefined;
  if (onlyForTests.has(dependency) && name !== testsName) return "only test/ may use it";
  if (rankOf(dependency) === -1) return "it has no place in the order of packages (test/check/fences.ts)";
  return rankOf(dependency) < rankOf(name) ? undefined : "dependencies point down the order of packages only";
}

function rankOf(name: string): number {
  return order.findIndex((entry) => entry === name);
}

function wrongReferences(facts: PackageFacts, byName: ReadonlyMap<string, PackageFacts>): readonly Violation[] {
  const { references } = facts;
  if (references === undefined) return [];
  const declared = new Set([...facts.dependencies].flatMap((name) => byName.get(name)?.folder ?? []));
  const place = `${facts.folder}/tsconfig.json`;
  const missing = [...declared].filter((folder) => !references.has(folder));
  const surplus = [...references].filter((folder) => !declared.has(folder));
  return [
    ...missing.map((folder) => ({ place, message: `does not refer to ${folder}, which package.json declares` })),
    ...surplus.map((folder) => ({ place, message: `refers to ${folder}, which package.json does not declare` })),
  ];
}

function wrongSource(
  facts: PackageFacts,
  path: string,
  source: SourceFacts,
  byName: ReadonlyMap<string, PackageFacts>,
): readonly Violation[] {
  const at = (line: number, message: string): Violation => ({ place: `${facts.folder}/${path}:${line}`, message });
  const imports = source.imports.flatMap((use) => {
    const message = wrongImport(facts, path, use, byName);
    return message === undefined ? [] : [at(use.line, `imports ${use.what}: ${message}`)];
  });
  const stars = source.starExports.map((use) => at(use.line, `export * from ${use.what}: list the names`));
  if (!pure.has(facts.name)) return [...imports, ...stars];
  const impure = source.impureUses.map((use) => at(use.line, `uses ${use.what}: ${facts.name} is pure`));
  return [...imports, ...stars, ...impure];
}

function wrongImport(
  facts: PackageFacts,
  path: string,
  use: ImportUse,
  byName: ReadonlyMap<string, PackageFacts>,
): string | undefined {
  if (use.what.startsWith(".")) {
    const target = posix.join(posix.dirname(path), use.what);
    const isOfInfra = facts.folder === "test" && target.startsWith("../infra/");
    return target.startsWith("..") && !isOfInfra ? `it lies outside ${facts.folder}` : undefined;
  }
  if (isBuiltin(use.what)) return pure.has(facts.name) ? wrongBuiltin(facts, use) : undefined;
  const { name, subpath } = splitSpecifier(use.what);
  // Of some packages there are only types.
  const declared = facts.dependencies.has(name) || facts.dependencies.has(`@types/${name}`);
  if (!declared) return `${facts.name} does not declare ${name} in its package.json`;
  const target = byName.get(name);
  return target === undefined || target.exports.has(subpath) ? undefined : `${name} does not export ${subpath}`;
}

function wrongBuiltin(facts: PackageFacts, use: ImportUse): string | undefined {
  const allowed = pureBuiltins.get(use.what);
  const refused = use.values.filter((value) => allowed?.has(value) !== true);
  return refused.length === 0 ? undefined : `${facts.name} is pure and may not use ${refused.join(", ")} of it`;
}

/** `@scope/name/sub/path` is package `@scope/name`, subpath `./sub/path`. */
function splitSpecifier(specifier: string): { readonly name: string; readonly subpath: string } {
  const parts = specifier.split("/");
  const length = specifier.startsWith("@") ? 2 : 1;
  const rest = parts.slice(length);
  return { name: parts.slice(0, length).join("/"), subpath: rest.length === 0 ? "." : `./${rest.join("/")}` };
}

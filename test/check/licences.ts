import * as z from "zod";

const Lock = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      license: z.string().optional(),
      link: z.boolean().optional(),
      dependencies: z.record(z.string(), z.string()).optional(),
      optionalDependencies: z.record(z.string(), z.string()).optional(),
    }),
  ),
});

export interface Library {
  readonly name: string;
  readonly version: string;
  /** As the package says it, an expression of SPDX. */
  readonly licence: string;
}

/** Licences that ask for nothing but to be named: whoever uses Stampede may do with it what they like. */
const permissive: ReadonlySet<string> = new Set([
  "0BSD",
  "Apache-2.0",
  "Apache-2.0 AND MIT",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "(MIT OR CC0-1.0)",
  "ISC",
  "MIT",
  "MIT-0",
]);

/** What adapters are tested with, by Stampede and by whoever writes one. */
const suites = "packages/testing";

/** Every library that Stampede runs with, by name: those that packages and functions depend on, and theirs; not what only builds and tests it. */
export function librariesOf(lockFile: string): readonly Library[] {
  const { packages } = Lock.parse(JSON.parse(lockFile));
  const found = new Map<string, Library>();
  const visit = (path: string): void => {
    const { dependencies = {}, optionalDependencies = {} } = packages[path] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const at = placeOf(name, path, (place) => packages[place] !== undefined);
      const entry = at === undefined ? undefined : packages[at];
      if (at === undefined || entry === undefined || entry.link === true || found.has(at)) continue;
      found.set(at, { name, version: entry.version ?? "?", licence: entry.license ?? "none" });
      visit(at);
    }
  };
  for (const path of Object.keys(packages)) {
    if (/^(packages\/[^/]+|functions)$/.test(path) && path !== suites) visit(path);
  }
  return [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Where a package that lies at `from` finds another: beside itself, or further up. */
function placeOf(name: string, from: string, isThere: (place: string) => boolean): string | undefined {
  const above = from.split("/").map((_, index, parts) => parts.slice(0, parts.length - index).join("/"));
  return [...above.map((folder) => `${folder}/node_modules/${name}`), `node_modules/${name}`].find(isThere);
}

/** Libraries under other licences than permissive ones. */
export function licenceProblems(libraries: readonly Library[]): readonly string[] {
  return libraries
    .filter(({ licence }) => !permissive.has(licence))
    .map(({ name, version, licence }) => `${name} ${version} is under ${licence}`);
}

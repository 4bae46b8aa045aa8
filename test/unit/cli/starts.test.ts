import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { parseSync } from "oxc-parser";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../../..");
const require = createRequire(import.meta.url);

/** What a built module loads when it is loaded, and not only when it is used: packages of the workspace and of npm, by name. */
function loadedWith(...entries: readonly string[]): ReadonlySet<string> {
  const modules = new Set(entries.map((entry) => join(root, entry)));
  const packages = new Set<string>();
  for (const path of modules) {
    packages.add(`@stampede/${relative(join(root, "packages"), path).split("/")[0]}`);
    for (const name of namesIn(path)) {
      if (name.startsWith(".")) modules.add(resolve(dirname(path), name));
      else if (name.startsWith("@stampede/")) modules.add(require.resolve(name));
      else if (!name.startsWith("node:")) packages.add(name);
    }
  }
  return packages;
}

const read = new Map<string, readonly string[]>();

function namesIn(path: string): readonly string[] {
  const names = read.get(path) ?? readNames(path);
  read.set(path, names);
  return names;
}

function readNames(path: string): readonly string[] {
  const { staticImports, staticExports } = parseSync(path, readFileSync(path, "utf8")).module;
  const exported = staticExports.flatMap(({ entries }) => entries.flatMap(({ moduleRequest }) => moduleRequest ?? []));
  return [...staticImports.map(({ moduleRequest }) => moduleRequest), ...exported].map(({ value }) => value);
}

const client = "packages/client/dist/jobs-alone.js";
/** What only trainings and the server need; each takes as long to load as everything else. */
const heavy = ["@stampede/runtime", "@stampede/graph", "@stampede/aws", "csv-parse/sync", "hono"];

function heavyOf(...entries: readonly string[]): readonly string[] {
  const loaded = loadedWith(...entries);
  return heavy.filter((name) => loaded.has(name));
}

describe("a start of the command line", () => {
  it("loads no other package for --help and --version", () => {
    expect(loadedWith("packages/cli/dist/main.js")).toEqual(new Set(["@stampede/cli", "commander", "picocolors"]));
  });

  it.each([["jobs"], ["watch"], ["gc"]])("loads nothing that trains or reads data files for jobs (%s)", (name) => {
    expect(heavyOf(`packages/cli/dist/commands/${name}.js`, client)).toEqual([]);
  });

  it("loads no server for tokens", () => {
    const tokens = "packages/api/dist/tokens/index.js";
    expect(heavyOf("packages/cli/dist/commands/tokens.js", tokens, client)).toEqual([]);
  });

  it("loads them for a job", () => {
    expect(heavyOf("packages/client/dist/index.js")).toEqual(["@stampede/runtime", "@stampede/graph"]);
    expect(heavyOf("packages/api/dist/serve/index.js")).toContain("hono");
  });
});

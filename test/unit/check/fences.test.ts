import { describe, expect, test } from "vitest";
import { violations, type PackageFacts } from "../../check/fences.js";
import { sourceFacts } from "../../check/source-facts.js";

interface MadeUp {
  readonly dependencies?: readonly string[];
  readonly references?: readonly string[];
  readonly exports?: readonly string[];
  readonly lacks?: string;
  readonly sources?: Readonly<Record<string, string>>;
}

const required = ["package.json", "README.md", "tsconfig.json", "src/index.ts"];

/** A package that passes, but for what is asked for; tsconfig.json refers to the workspace packages it depends on. */
function madeUp(name: string, wish: MadeUp = {}): PackageFacts {
  const dependencies = wish.dependencies ?? [];
  const workspace = dependencies.filter((dependency) => dependency.startsWith("@stampede/"));
  return {
    folder: `packages/${name}`,
    name: `@stampede/${name}`,
    dependencies: new Set(dependencies),
    exports: new Set(wish.exports ?? ["."]),
    references: new Set(wish.references ?? workspace.map((dependency) => dependency.replace("@stampede", "packages"))),
    files: new Set(required.filter((file) => file !== wish.lacks)),
    sources: new Map(Object.entries(wish.sources ?? {}).map(([path, text]) => [path, sourceFacts(path, text)])),
  };
}

function tests(sources: Readonly<Record<string, string>>, dependencies: readonly string[] = []): PackageFacts {
  return {
    ...madeUp("any", { sources, dependencies }),
    folder: "test",
    name: "stampede",
    references: undefined,
    files: new Set(),
  };
}

const core = madeUp("core");
const data = madeUp("data", { dependencies: ["@stampede/core"] });

function found(...packages: readonly PackageFacts[]): readonly string[] {
  return violations(packages).map(({ place, message }) => `${place} ${message}`);
}

/** The violations of one file of a package that may import the core and zod. */
function foundIn(text: string, name = "data"): readonly string[] {
  const dependencies = name === "core" ? ["zod"] : ["@stampede/core", "zod"];
  const others = name === "core" ? [] : [core];
  return found(...others, madeUp(name, { dependencies, sources: { "src/a/b.ts": text } }));
}

describe("a graph that keeps the order", () => {
  test("passes", () => {
    const cli = madeUp("cli", {
      dependencies: ["@stampede/core", "@stampede/data", "commander"],
      sources: {
        "src/index.ts": `import { x } from "@stampede/data"; import { Command } from "commander"; import "node:fs";`,
      },
    });
    expect(found(core, data, cli, tests({ "unit/a.test.ts": `import "@stampede/cli";` }, ["@stampede/cli"]))).toEqual(
      [],
    );
  });
});

describe("dependencies", () => {
  test("upwards are refused", () => {
    const upwards = madeUp("core", { dependencies: ["@stampede/data"] });
    expect(found(upwards, data)).toEqual([
      "packages/core/package.json depends on @stampede/data: dependencies point down the order of packages only",
    ]);
  });

  test("on a package that is not in the order are refused, and so is such a package", () => {
    const stranger = madeUp("stranger");
    const user = madeUp("cli", { dependencies: ["@stampede/stranger"] });
    expect(found(stranger, user)).toEqual([
      "packages/stranger/package.json @stampede/stranger has no place in the order of packages (test/check/fences.ts)",
      "packages/cli/package.json depends on @stampede/stranger: it has no place in the order of packages (test/check/fences.ts)",
    ]);
  });

  test.each(["testing", "examples"])("on %s are for test/ alone", (name) => {
    const target = madeUp(name);
    const user = madeUp("examples2", { dependencies: [target.name] });
    expect(found(target, { ...user, name: "@stampede/dashboard" })).toEqual([
      `packages/examples2/package.json depends on @stampede/${name}: only test/ may use it`,
    ]);
    expect(found(target, tests({ "a.test.ts": `import "@stampede/${name}";` }, [target.name]))).toEqual([]);
  });

  test("on a vendor's packages are for the packages named", () => {
    const refused = "only @stampede/aws may use @aws-sdk/*";
    expect(found(madeUp("local", { dependencies: ["@aws-sdk/client-s3"] }))).toEqual([
      `packages/local/package.json depends on @aws-sdk/client-s3: ${refused}`,
    ]);
    expect(found(madeUp("aws", { dependencies: ["@aws-sdk/client-s3"] }))).toEqual([]);
    expect(found(madeUp("data", { dependencies: ["@tensorflow/tfjs-core"] }))).toHaveLength(1);
    expect(found(madeUp("runtime", { dependencies: ["@tensorflow/tfjs-core"] }))).toEqual([]);
  });
});

describe("the files of a package", () => {
  test.each(required)("include %s", (file) => {
    expect(found(madeUp("core", { lacks: file }))).toEqual([`packages/core has no ${file}, which every package has`]);
  });

  test("need no src/index.ts where nothing can be imported", () => {
    expect(found(madeUp("examples", { lacks: "src/index.ts", exports: [] }))).toEqual([]);
  });

  test("tsconfig.json refers to exactly the workspace packages that package.json declares", () => {
    const client = madeUp("client", { dependencies: ["@stampede/core"], references: ["packages/data"] });
    expect(found(core, data, client)).toEqual([
      "packages/client/tsconfig.json does not refer to packages/core, which package.json declares",
      "packages/client/tsconfig.json refers to packages/data, which package.json does not declare",
    ]);
  });
});

describe("imports", () => {
  test.each([
    ["a static import", `import { x } from "yaml";`],
    ["a type", `import type { X } from "yaml";`],
    ["a type in place", `export type Y = import("yaml").X;`],
    ["a dynamic import", `export const load = () => import("yaml");`],
    ["a re-export", `export { x } from "yaml";`],
    ["an import for its effect", `import "yaml/sub/path";`],
  ])("%s of an undeclared package is refused", (_, text) => {
    const [specifier] = /yaml[a-z/]*/.exec(text) ?? [];
    expect(foundIn(text)).toEqual([
      `packages/data/src/a/b.ts:1 imports ${specifier}: @stampede/data does not declare yaml in its package.json`,
    ]);
  });

  test("are named with their line, and text that only looks like an import is not one", () => {
    const text = `// import "yaml";\nexport const text = 'import "yaml"';\nimport "yaml";`;
    expect(foundIn(text)).toEqual([
      "packages/data/src/a/b.ts:3 imports yaml: @stampede/data does not declare yaml in its package.json",
    ]);
  });

  test("reach only what a workspace package exports", () => {
    expect(foundIn(`import "@stampede/core/src/ids.js";`)).toEqual([
      "packages/data/src/a/b.ts:1 imports @stampede/core/src/ids.js: @stampede/core does not export ./src/ids.js",
    ]);
    const withWorker = madeUp("core", { exports: [".", "./worker"] });
    const user = madeUp("data", {
      dependencies: ["@stampede/core"],
      sources: { "src/a.ts": `import "@stampede/core/worker";` },
    });
    expect(found(withWorker, user)).toEqual([]);
  });

  test.each([
    `import "../../../core/src/index.js";`,
    `export const file = new URL("../../../core/worker.js", import.meta.url);`,
    `import "../../../../functions/src/driver.js";`,
  ])("and paths stay inside the package: %s", (text) => {
    expect(foundIn(text)).toEqual([expect.stringMatching(/: it lies outside packages\/data$/)]);
  });

  test("between files of a package are free", () => {
    expect(
      foundIn(`import "../../bin/x.js"; import { y } from "./c.js"; new URL("./worker.js", import.meta.url);`),
    ).toEqual([]);
  });

  test("of all names of a module are not passed on unlisted", () => {
    expect(foundIn(`export * from "./c.js";`)).toEqual([
      "packages/data/src/a/b.ts:1 export * from ./c.js: list the names",
    ]);
  });

  test("by tests stay inside test/ and within the root's declared dependencies", () => {
    expect(
      found(core, tests({ "unit/a.test.ts": `import "../../packages/core/src/index.js"; import "@stampede/core";` })),
    ).toEqual([
      "test/unit/a.test.ts:1 imports ../../packages/core/src/index.js: it lies outside test",
      "test/unit/a.test.ts:1 imports @stampede/core: stampede does not declare @stampede/core in its package.json",
    ]);
  });
});

describe("a pure package", () => {
  test.each([
    ["Date.now()", "Date.now"],
    ["Math.random()", "Math.random"],
    ["new Date()", "new Date()"],
    ["Date()", "Date()"],
    ["performance.now()", "performance"],
    ["setTimeout(() => 1, 1)", "setTimeout"],
    ["[setInterval]", "setInterval"],
    ["fetch('x')", "fetch"],
    ["{ fetch }", "fetch"],
    ["process.env", "process"],
    ["crypto.randomUUID()", "crypto"],
  ])("may not use %s", (expression, what) => {
    const text = `export const value = ${expression};`;
    const message = `packages/core/src/a/b.ts:1 uses ${what}: @stampede/core is pure`;
    expect(foundIn(text, "core")).toEqual([message]);
    expect(foundIn(text, "training")).toEqual([message.replaceAll("core", "training")]);
    expect(foundIn(text, "data")).toEqual([]);
  });

  test("may use members and types that share a name with something impure, and dates given to it", () => {
    const text = `
      interface Clock { setTimeout(ms: number): void; performance: number; }
      export const f = (clock: Clock, ms: number): Date => { clock.setTimeout(clock.performance); return new Date(ms); };
      export const options = { fetch: 1, process: 2 };`;
    expect(foundIn(text, "core")).toEqual([]);
  });

  test.each([
    [`import { readFileSync } from "node:fs";`, "node:fs", "readFileSync"],
    [`import * as http from "node:http";`, "node:http", "*"],
    [`import net from "net";`, "net", "*"],
    [`export const load = () => import("node:child_process");`, "node:child_process", "*"],
    [`import { createHash, randomBytes } from "node:crypto";`, "node:crypto", "randomBytes"],
    [`import "node:timers";`, "node:timers", "*"],
  ])("may not %s", (text, specifier, names) => {
    expect(foundIn(text, "core")).toEqual([
      `packages/core/src/a/b.ts:1 imports ${specifier}: @stampede/core is pure and may not use ${names} of it`,
    ]);
  });

  test("may import hashes, check sums and types", () => {
    const text = `import { createHash } from "node:crypto"; import { crc32 } from "node:zlib"; import type { Readable } from "node:stream";`;
    expect(foundIn(text, "core")).toEqual([]);
  });
});

test("a source that does not parse is an error that names it", () => {
  expect(() => sourceFacts("src/a.ts", "const = 1")).toThrow(/^src\/a\.ts does not parse: /);
});

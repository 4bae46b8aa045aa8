import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { licenceProblems, librariesOf } from "../../check/licences.js";

it("every library that Stampede runs with is under a permissive licence", async () => {
  const libraries = librariesOf(await readFile(join(import.meta.dirname, "../../../package-lock.json"), "utf8"));
  const names = libraries.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(["@tensorflow/tfjs-core", "hono", "onnxruntime-node", "zod"]));
  expect(names).not.toContain("vitest");
  expect(licenceProblems(libraries)).toEqual([]);
});

it("finds libraries where Node.js does, and those without a licence", () => {
  const packages = {
    "": { devDependencies: { tested: "1" } },
    "packages/a": { dependencies: { outer: "1", "@stampede/b": "1" } },
    "node_modules/@stampede/b": { link: true },
    "node_modules/outer": { version: "1.0.0", license: "MIT", dependencies: { inner: "2" } },
    "node_modules/outer/node_modules/inner": { version: "2.0.0", license: "GPL-3.0-only" },
    "node_modules/inner": { version: "1.0.0", license: "MIT" },
    "node_modules/tested": { version: "1.0.0" },
  };
  const libraries = librariesOf(JSON.stringify({ packages }));
  expect(libraries).toEqual([
    { name: "inner", version: "2.0.0", licence: "GPL-3.0-only" },
    { name: "outer", version: "1.0.0", licence: "MIT" },
  ]);
  expect(licenceProblems(libraries)).toEqual(["inner 2.0.0 is under GPL-3.0-only"]);
});

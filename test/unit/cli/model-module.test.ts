import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { modelSource } from "@stampede/cli";
import { afterAll, beforeAll, expect, it } from "vitest";

/** The shape that a LayersModel is known by. */
const model = "{ layers: [], getWeights: () => [], predict: () => undefined }";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stampede-model-"));
  await mkdir(join(folder, "esm"));
  await writeFile(join(folder, "esm/package.json"), '{ "type": "module" }');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function build(file: string, text: string): Promise<unknown> {
  await writeFile(join(folder, file), text);
  const source = await modelSource(file, folder);
  if (source.type !== "built") throw new Error("expected a module");
  return source.build();
}

const failure = (code: string, part: string | RegExp) =>
  expect.objectContaining({
    code,
    message: typeof part === "string" ? expect.stringContaining(part) : expect.stringMatching(part),
  });

it.each([
  ["a.js", `export default ${model};`],
  ["b.mjs", `export default () => (${model});`],
  ["c.mjs", `export default async () => (${model});`],
  ["esm/d.js", `export default function build() { return ${model}; }`],
  ["e.cjs", `module.exports = ${model};`],
  ["f.cjs", `exports.__esModule = true; exports.default = () => (${model});`],
])("takes the model or its builder from %s", async (file, text) => {
  await expect(build(file, text)).resolves.toHaveProperty("getWeights");
});

it("runs the module when the model is built and not before", async () => {
  const mark = Symbol.for("stampede.test.built");
  const file = "lazy.mjs";
  await writeFile(join(folder, file), `globalThis[Symbol.for("stampede.test.built")] = true; export default ${model};`);
  const source = await modelSource(file, folder);
  expect(Reflect.get(globalThis, mark)).toBeUndefined();
  if (source.type === "built") await source.build();
  expect(Reflect.get(globalThis, mark)).toBe(true);
});

it("leaves a model.json to the client", async () => {
  await writeFile(join(folder, "model.json"), "{}");
  await expect(modelSource("model.json", folder)).resolves.toEqual({ type: "file", path: join(folder, "model.json") });
});

it.each([
  ["none.ts", "no such file"],
  ["esm", 'ends in ""'],
  ["model.py", 'ends in ".py"'],
])("refuses the path %s", async (path, part) => {
  await expect(modelSource(path, folder)).rejects.toThrow(failure("model.not-readable", part));
});

it.each([
  ["n.mjs", "export const model = 1;", "found no default export"],
  ["o.mjs", "export default () => {};", "found a function that returned nothing"],
  ["p.mjs", "export default 7;", "found a value of type number"],
  ["q.mjs", "export default () => [];", "found a function that returned an array"],
])("refuses what %s exports", async (file, text, part) => {
  await expect(build(file, text)).rejects.toThrow(failure("model.invalid", part));
});

it.each([
  ["r.mjs", 'throw new Error("broken on purpose");', /broken on purpose \(at .*r\.mjs:1:7\)/],
  [
    "s.mjs",
    'export default () => {\n  throw new Error("no layers");\n};',
    /default export: no layers \(at .*s\.mjs:2:9\)/,
  ],
  ["t.mjs", 'import "no-such-package-here";', /Cannot find package 'no-such-package-here'/],
])("says where the code of %s went wrong", async (file, text, part) => {
  await expect(build(file, text)).rejects.toThrow(failure("model.not-readable", part));
});

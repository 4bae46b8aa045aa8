import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseYaml, readYaml } from "@stampede/cli";
import { afterAll, beforeAll, expect, it } from "vitest";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stampede-yaml-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const failure = (code: string, part: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(part) });

it("gives values and where they stand", () => {
  const source = parseYaml("name: x\ntraining:\n  epochs: 3\n  list: [1, two]\n", "job.yaml");
  expect(source.value).toEqual({ name: "x", training: { epochs: 3, list: [1, "two"] } });
  expect(source.positionOf(["training", "epochs"])).toBe("3:3");
  expect(source.positionOf(["training", "list", 1])).toBe("4:13");
  expect(source.positionOf(["training"])).toBe("2:1");
});

it("points at what is nearest where a path is not in the file", () => {
  const source = parseYaml("name: x\ntraining:\n  epochs: 3\n", "job.yaml");
  expect(source.positionOf(["training", "batchSize"])).toBe("3:3");
  expect(source.positionOf(["data", "train"])).toBe("1:1");
});

it.each([
  ["an open bracket", "a: [1, 2\nb: 3", "job-file.syntax", "job.yaml:2:1"],
  ["a tab as indentation", "a:\n\tb: 1", "job-file.syntax", "job.yaml:2:1"],
  ["a name given twice", "a: 1\na: 2", "job-file.syntax", "job.yaml:2:1"],
  ["two documents", "a: 1\n---\nb: 2", "job-file.syntax", "job.yaml:2:1"],
  ["an unknown tag", "a: !!js/function 'x'", "job-file.syntax", "job.yaml:1:4"],
  ["an alias of nothing", "a: *b", "job-file.syntax", "job.yaml:1:4"],
  ["a prototype", "a:\n  __proto__: { x: 1 }", "job-file.invalid", "job.yaml:2:3"],
])("refuses %s with its place", (_, text, code, place) => {
  expect(() => parseYaml(text, "job.yaml")).toThrow(failure(code, place));
});

it("refuses aliases that multiply", () => {
  const lines = ["a: &a [x, x, x, x, x, x, x, x, x]"];
  for (const [before, name] of ["ab", "bc", "cd", "de", "ef", "fg"]) {
    lines.push(`${name}: &${name} [${Array.from({ length: 9 }, () => `*${before}`).join(", ")}]`);
  }
  expect(() => parseYaml(lines.join("\n"), "job.yaml")).toThrow(failure("job-file.syntax", "alias"));
});

it.each([
  ["brackets", "[".repeat(100_000)],
  ["lists on one line", "- ".repeat(100_000)],
  ["keys on one line", "? ".repeat(100_000)],
])("refuses %s nested beyond measure", (_, text) => {
  expect(() => parseYaml(text, "job.yaml")).toThrow(failure("job-file.syntax", "200 levels"));
});

it("refuses a file with more words than any job file has", () => {
  const text = Array.from({ length: 60_000 }, (_, index) => `k${index}: 1`).join("\n");
  expect(() => parseYaml(text, "job.yaml")).toThrow(failure("job-file.syntax", "100000 words"));
});

it("reads a file of at most 1 MiB, and no folder", async () => {
  const path = join(folder, "big.yaml");
  await writeFile(path, `# ${"x".repeat(1_048_576)}\na: 1\n`);
  await expect(readYaml(path, "big.yaml")).rejects.toThrow(failure("job-file.not-readable", "1048584 bytes"));
  await expect(readYaml(folder, "folder")).rejects.toThrow(failure("job-file.not-readable", "a folder"));
  await expect(readYaml(join(folder, "none"), "none")).rejects.toThrow(
    failure("job-file.not-readable", "no such file"),
  );
});

it("refuses bytes that are not UTF-8", async () => {
  const path = join(folder, "latin1.yaml");
  await writeFile(path, Buffer.from([0x61, 0x3a, 0x20, 0xe4]));
  await expect(readYaml(path, "latin1.yaml")).rejects.toThrow(failure("job-file.syntax", "UTF-8"));
});

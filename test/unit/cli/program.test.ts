import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommandLine } from "@stampede/cli";
import { afterAll, beforeAll, expect, it } from "vitest";
import { fakeHost } from "./fake-host.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stampede-cli-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(...words: string[]) {
  const host = fakeHost({ cwd: folder });
  const code = await runCommandLine(words, host);
  return { code, out: host.stdout.written.join(""), err: host.stderr.written.join("") };
}

it.each([[["--help"]], [["help", "train"]], [["train", "--help"]], [["jobs", "--help"]], [["doctor", "--help"]]])(
  "helps with %j on stdout",
  async (words) => {
    const { code, out, err } = await run(...words);
    expect(code).toBe(0);
    expect(out).toContain("Usage: stampede");
    expect(err).toBe("");
  },
);

it.each(["train", "evaluate", "predict"])("shows examples of %s", async (name) => {
  expect((await run(name, "--help")).out).toContain(`Examples:\n  $ stampede ${name} `);
});

it("tells its version", async () => {
  expect(await run("--version")).toEqual({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), err: "" });
});

it.each([
  [[], "Usage: stampede"],
  [["trian"], "Did you mean train?"],
  [["train"], "missing required argument"],
  [["train", "a", "b"], "too many arguments"],
  [["train", "a", "--executor", "3"], "Did you mean --executors?"],
  [["evaluate", "m"], "--data"],
  [["predict", "m", "--data", "d"], "--out"],
  [["jobs"], "Usage: stampede jobs"],
  [["jobs", "show"], "missing required argument"],
])("answers %j with words on stderr and exit code 2", async (words, part) => {
  const { code, err } = await run(...words);
  expect(code).toBe(2);
  expect(err).toContain(part);
});

it("tells a program of a wrong option in JSON", async () => {
  const { code, out } = await run("train", "a", "--executor", "3", "--json");
  expect(code).toBe(2);
  expect(JSON.parse(out)).toMatchObject({ event: "job.failed", code: "option.invalid" });
});

it("refuses bad input before it loads anything heavy", async () => {
  await writeFile(join(folder, "job.yaml"), "name: [");
  const { code, out, err } = await run("train", "job.yaml");
  expect(code).toBe(2);
  expect(JSON.parse(out)).toMatchObject({ event: "job.failed", code: "job-file.syntax" });
  expect(err).toMatch(/^error job-file\.syntax: .*job\.yaml:1:8.*\n {2}what to do: /);
});

import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkNode, runCommandLine } from "@stampede/cli";
import { afterEach, beforeEach, expect, it } from "vitest";
import { fakeHost } from "./fake-host.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "stampede-doctor-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function doctor(env: Record<string, string>, ...words: string[]) {
  const host = fakeHost({ cwd: folder, env: { NO_COLOR: "1", ...env } });
  const code = await runCommandLine(["doctor", ...words], host);
  return { code, out: host.stdout.written.join("") };
}

it("finds everything in place and leaves nothing behind", async () => {
  const { code, out } = await doctor({});
  expect(out).toMatch(/^ok {7}Node\.js {7}\d+\./m);
  expect(out).toContain(`${join(folder, ".stampede")}, writable, hard links work`);
  expect(out).toMatch(/^ok {7}engine {8}compiled would be chosen \(compiled: works, .*tfjs-cpu: works\)$/m);
  expect(out).toMatch(/\nReady to train\.\n$/);
  expect(code).toBe(0);
  expect(await readdir(folder)).toEqual([]);
});

it("says what is missing, and what to do", async () => {
  await writeFile(join(folder, "file"), "");
  const { code, out } = await doctor({ STAMPEDE_HOME: "file/store" });
  expect(code).toBe(1);
  expect(out).toMatch(/^MISSING {2}store folder {2}.*file\/store: /m);
  expect(out).toContain("what to do: set STAMPEDE_HOME");
  expect(out).toMatch(/\n1 thing missing\.\n$/);
});

it("writes one JSON object a check", async () => {
  const { out } = await doctor({}, "--json");
  const checks = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { check: string; ok: boolean });
  expect(checks.map(({ check }) => check)).toEqual([
    "Node.js",
    "store folder",
    "engine",
    "free disk",
    "cores",
    "memory",
  ]);
  expect(checks.every(({ ok }) => ok)).toBe(true);
});

it.each([
  ["18.20.0", false],
  ["20.18.9", false],
  ["20.19.0", true],
  ["22.0.0", true],
])("judges Node.js %s", (version, ok) => {
  expect(checkNode(version).ok).toBe(ok);
});

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommandLine, type Host } from "@stampede/cli";
import { JobEvent, parseJobId } from "@stampede/core";
import { FolderObjectStore, JobLog, systemUnique } from "@stampede/local";
import { submitJob } from "@stampede/training";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { initialWeights } from "../support/garbage.js";
import { makeJobSpec } from "../support/job-specs.js";
import { fakeHost, type FakeHost } from "../unit/cli/fake-host.js";

const job = parseJobId("a-job");

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "stampede-watch-"));
  const deps = { store: FolderObjectStore.open(home), clock: { now: () => 0 }, unique: systemUnique };
  // The process that was to run it has been gone since 1970.
  await submitJob(makeJobSpec(), { weights: initialWeights }, deps);
  await submitJob(makeJobSpec({ job, training: { heartbeatTimeoutSeconds: 1 } }), { weights: initialWeights }, deps);
});
afterEach(() => rm(home, { recursive: true, force: true }));

function watch(...options: string[]): { readonly host: FakeHost; readonly code: Promise<number> } {
  const host = fakeHost({ env: { NO_COLOR: "1", STAMPEDE_HOME: home } });
  // Time has to pass for it; how much does not matter.
  const passing: Host = Object.assign(host, { now: () => Date.now() });
  return { host, code: runCommandLine(["jobs", "watch", job, ...options], passing) };
}

describe("watching a job of which nothing is heard", () => {
  it("says so once, how to go on, and watches on until the job ends", async () => {
    const { host, code } = watch();
    await vi.waitFor(() => expect(host.stderr.written).toHaveLength(2), { timeout: 10_000 });
    expect(host.stderr.written).toEqual([
      expect.stringMatching(/^Nothing was heard of a-job for \d+ h \d\d min: .* Watching on\.\n$/),
      "  Go on with it: stampede train JOB.yaml --resume a-job\n",
    ]);
    expect(host.stdout.written).toEqual([]);
    new JobLog(home).append({ event: "job.failed", job, code: "job.cancelled", message: "by somebody else" });
    expect(await code).toBe(1);
    expect(host.stdout.written.map((line) => JobEvent.parse(JSON.parse(line)))).toMatchObject([
      { event: "job.failed", code: "job.cancelled" },
    ]);
    expect(host.stderr.written.join("").split("Nothing was heard")).toHaveLength(2);
  });

  it("gives up when asked to, with an error of its own", async () => {
    const { host, code } = watch("--give-up-after", "0.2");
    expect(await code).toBe(1);
    const [last] = host.stdout.written.map((line) => JobEvent.parse(JSON.parse(line)));
    expect(last).toMatchObject({ event: "job.failed", job, code: "job.silent" });
    const words = host.stderr.written.join("");
    expect(words).toMatch(/^error job\.silent: Nothing was heard of a-job for .* can be resumed\.$/m);
    expect(words).toContain("stampede train JOB --resume ID");
  });

  it.each(["0", "-1", "soon", ""])("refuses to give up after %j", async (seconds) => {
    const { host, code } = watch("--give-up-after", seconds);
    expect(await code).toBe(2);
    expect(host.stderr.written.join("")).toContain("option.invalid: Expected a number, more than 0");
  });
});

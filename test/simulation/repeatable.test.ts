import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { campaign, judge, replay, scenarioOf } from "@stampede/testing/simulation";
import { afterAll, describe, expect, it } from "vitest";
import { mutants } from "./mutants.js";
import { bundleWith, play } from "./plant.js";

const folder = mkdtempSync(join(tmpdir(), "stampede-repeatable-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("a seed", () => {
  it("is the same history every time, and in every process", async () => {
    const seeds = 300;
    const bundle = join(folder, "sound.mjs");
    await bundleWith([], bundle);
    expect(await campaign({ from: 0, seeds })).toEqual(await campaign({ from: 0, seeds }));
    let fingerprint = 0;
    for (let seed = 0; seed < seeds; seed += 1) {
      const { history } = await judge(scenarioOf(seed));
      fingerprint = (Math.imul(fingerprint, 31) + history.fingerprint) >>> 0;
    }
    expect(await play(bundle, { from: 0, seeds })).toMatchObject({ seeds, fingerprint, failed: null });
  });

  it("is another history than its neighbours", async () => {
    const fingerprints = new Set<number>();
    for (let seed = 0; seed < 100; seed += 1) fingerprints.add((await judge(scenarioOf(seed))).history.fingerprint);
    expect(fingerprints.size).toBe(100);
  });

  it("is the same history when its faults are given one by one", async () => {
    for (let seed = 0; seed < 200; seed += 1) {
      const scenario = scenarioOf(seed);
      const { history } = await judge(scenario);
      const only = new Set(history.injected.map(({ point }) => point));
      expect((await judge(scenario, { only })).history.fingerprint, `seed ${seed}`).toBe(history.fingerprint);
    }
  });

  it("keeps its other faults when one is taken away", async () => {
    let kept = 0;
    let asked = 0;
    for (let seed = 0; seed < 200; seed += 1) {
      const scenario = scenarioOf(seed);
      const points = (await judge(scenario)).history.injected.map(({ point }) => point);
      const others = new Set(points.slice(1));
      const { history } = await judge(scenario, { only: others });
      asked += others.size;
      kept += history.injected.length;
    }
    // What is taken away may be what others were a consequence of.
    expect(kept / asked).toBeGreaterThan(0.6);
  });

  it("tells its history", async () => {
    const { text, isWhole } = await replay({ seed: 0, only: new Set(), changes: [] });
    expect(isWhole).toBe(true);
    expect(text).toMatch(/^\s+0\.0000 {2}submit job-1 +begins$/m);
    expect(text).toMatch(/^\s+\d+\.\d{4} {2}driver driver-\w+ +store\.create jobs\/job-1\/head\.json$/m);
    expect(text).toMatch(/^job-1: \{"shape":/m);
  });
});

describe("a seed that fails", () => {
  it("is made small: few faults, a simple job, and still the same promise broken", async () => {
    const bug = mutants.find(({ name }) => name === "a failure of one attempt counts for the next one");
    const bundle = join(folder, "bug.mjs");
    await bundleWith(bug?.edits ?? [], bundle);
    const { failed, shrunk } = await play(bundle, { from: 0, seeds: 2_000, mode: "shrink" });
    expect(failed).not.toBeNull();
    expect(shrunk).toMatchObject({ fails: true });
    expect(shrunk?.faults).toBeLessThanOrEqual(3);
    expect(shrunk?.changes.length).toBeGreaterThan(2);
  });
});

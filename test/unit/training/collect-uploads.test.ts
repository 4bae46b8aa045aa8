import { keys, UploadId, UploadName } from "@stampede/core";
import { ManualClock, MemoryObjectStore } from "@stampede/testing";
import { collectGarbage } from "@stampede/training";
import { describe, expect, it } from "vitest";

const hourMs = 3_600_000;
const upload = keys.upload(UploadId.parse("a".repeat(32)), UploadName.parse("points.csv"));
const request = keys.requested("b".repeat(64));

async function removedAfter(hours: number, jobsOlderThanHours?: number): Promise<readonly string[]> {
  const clock = new ManualClock();
  const store = new MemoryObjectStore(clock);
  for (const key of [upload, request, keys.tokens]) await store.create(key, new Uint8Array(1));
  await clock.advance(hours * hourMs);
  const jobsOlderThanMs = jobsOlderThanHours === undefined ? undefined : jobsOlderThanHours * hourMs;
  const { removed } = await collectGarbage({ dryRun: false, minAgeMs: 24 * hourMs, jobsOlderThanMs }, { store, clock });
  expect(await store.head(keys.tokens)).toBeDefined();
  return Object.keys(removed);
}

describe("what the HTTP API leaves", () => {
  it("goes when nobody repeats a request any more, and uploads with the jobs of their time", async () => {
    expect(await removedAfter(23, 1)).toEqual([]);
    expect(await removedAfter(25)).toEqual(["requests"]);
    expect(await removedAfter(25, 48)).toEqual(["requests"]);
    expect(await removedAfter(49, 48)).toEqual(["requests", "uploads"]);
  });
});

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { DataFiles } from "@stampede/core";
import { shardDataset, type FileAccess } from "@stampede/data";
import { MemoryObjectStore } from "@stampede/testing";
import { complaint, fixtures } from "./support.js";

const npy = { format: "npy", features: { file: "u1.npy" } } as const;

async function sharded(file: string, files?: FileAccess): Promise<string> {
  const dataset = { ...npy, features: { file } };
  const request = { dataset, baseFolder: fixtures, partitions: 1, order: "kept" } as const;
  const deps = { store: new MemoryObjectStore(), ...(files && { files }) };
  return (await shardDataset(request, deps)).train.id;
}

/** Objects in memory under s3:// names. */
function objects(bodies: Readonly<Record<string, Uint8Array>>): DataFiles {
  return {
    async open(path) {
      const body = bodies[path] ?? new Uint8Array(0);
      return {
        bytes: body.length,
        version: "1",
        reader({ start, end } = { start: 0, end: body.length }) {
          let at = start;
          return {
            async read(into) {
              const part = body.subarray(at, Math.min(end, at + into.length));
              into.set(part);
              at += part.length;
              return part.length;
            },
            close: async () => undefined,
          };
        },
        close: async () => undefined,
      };
    },
  };
}

describe("the place that a file's name says", () => {
  test("s3:// is read through what was given for it, and is the same data set", async () => {
    const s3 = objects({ "s3://bucket/u1.npy": await readFile(join(fixtures, "u1.npy")) });
    expect(await sharded("s3://bucket/u1.npy", { s3 })).toBe(await sharded("u1.npy"));
  });

  test("s3:// without access to S3", async () => {
    expect(await complaint(sharded("s3://bucket/u1.npy"))).toBe(
      'data.not-readable: Cannot read the data file "s3://bucket/u1.npy": there is no access to S3 here; it is there where a job runs on AWS. Nothing was written.',
    );
  });

  test("another scheme", async () => {
    expect(await complaint(sharded("https://example.org/u1.npy"))).toBe(
      'data.not-readable: Cannot read the data file "https://example.org/u1.npy": data is read from disk and from s3://bucket/key, not from https://. Nothing was written.',
    );
  });

  test("a file on disk where somebody else's disk is none of theirs", async () => {
    expect(await complaint(sharded("/etc/passwd", { disk: "refuse" }))).toBe(
      'data.not-readable: Cannot read the data file "/etc/passwd": it lies on a disk, and the data is read in the cloud; put it to S3 and give its s3:// URI. Nothing was written.',
    );
  });

  test("a data set that comes with Stampede is there in any case", async () => {
    const request = {
      dataset: { format: "builtin", name: "digits" },
      baseFolder: "/",
      partitions: 2,
      order: "kept",
    } as const;
    const { train } = await shardDataset(request, { store: new MemoryObjectStore(), files: { disk: "refuse" } });
    expect(train.manifest.rows).toBe(1797);
  });
});

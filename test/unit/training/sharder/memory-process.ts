// Makes a data set of a file of so many megabytes by sharder functions in this process, and tells the most memory that it took. The file is
// made when it is read.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DataFiles } from "@stampede/core";
import { FolderObjectStore } from "@stampede/local";
import { ShardWorld } from "../../../support/shard-world.js";

const rowBytes = 784;
const rows = Math.floor((Number(process.argv[2]) * 1e6) / rowBytes);
const header = Buffer.from([0, 0, 8, 2, 0, 0, 0, 0, 0, 0, rowBytes >> 8, rowBytes & 255]);
header.writeUInt32BE(rows, 4);
const bytes = header.length + rows * rowBytes;

const s3: DataFiles = {
  async open() {
    return {
      bytes,
      version: "1",
      reader({ start, end } = { start: 0, end: bytes }) {
        let at = start;
        return {
          async read(into) {
            const part = into.subarray(0, Math.min(end, bytes) - at);
            for (let index = 0; index < part.length; index++) {
              const position = at + index;
              part[index] = position < header.length ? (header[position] ?? 0) : (position * 31) >> 4;
            }
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

const folder = await mkdtemp(join(tmpdir(), "stampede-shard-memory-"));
const store = FolderObjectStore.open(folder);
const megabyte = 1024 * 1024;
const world = new ShardWorld({
  limits: { singleBytes: 16 * megabyte, taskBytes: 32 * megabyte },
  deps: { store, files: { disk: "refuse", s3 }, clock: { now: () => Date.now() } },
});
const features = { file: "s3://bucket/x.idx", standardize: true };
const before = process.resourceUsage().maxRSS;
const { train } = await world.make({
  dataset: { format: "idx", features },
  baseFolder: "/",
  partitions: 20,
  order: "shuffled",
  seed: 1,
});
process.send?.({
  rows: train.manifest.rows,
  runs: world.ran.filter((step) => step.startsWith("rows")).length,
  peakBytes: (process.resourceUsage().maxRSS - before) * 1024,
});
await rm(folder, { recursive: true });

// Averages a round of many deltas in slices, and tells the most memory that it took. Deltas are made when they are read.
import { crc32 } from "node:zlib";
import {
  keys,
  partitionOfOutput,
  safetensorsHeaderEnd,
  tensorOf,
  type ByteRange,
  type JobSpec,
  type ObjectInfo,
  type StoredObject,
  type WriteOutcome,
} from "@stampede/core";
import { MemoryObjectStore } from "@stampede/testing";
import { readRoundRecord } from "@stampede/training";
import * as z from "zod";
import { makeJobSpec } from "../../support/job-specs.js";
import { encodedDelta, ParameterServers } from "../../support/parameter-servers.js";

const stage = { kind: "train", round: 1 } as const;
const etag = '"delta"';
const weights = new Map([["w", tensorOf(new Float32Array(131_072).fill(0.25), [131_072])]]);

const Header = z.looseObject({ __metadata__: z.looseObject({ record: z.string() }) });

/** All deltas have the same numbers, and each a record of its own. */
class ManyDeltas extends MemoryObjectStore {
  /** What it has in memory: on AWS it is S3's. */
  heldBytes = 0;
  readonly #spec: JobSpec;
  readonly #header: string;
  readonly #data: Uint8Array;

  constructor(spec: JobSpec) {
    super();
    this.#spec = spec;
    const body = encodedDelta(spec, 1, 0, { weights });
    const end = safetensorsHeaderEnd(body, "a delta");
    this.#header = new TextDecoder().decode(body.subarray(8, end)).trimEnd();
    this.#data = body.slice(end);
  }

  override async get(key: string, range?: ByteRange): Promise<StoredObject | undefined> {
    const partition = partitionOfOutput(key, this.#spec.job, stage);
    if (partition === undefined) return super.get(key, range);
    const header = this.#headerOf(partition);
    const { start, end } = range ?? { start: 0, end: header.length + this.#data.length };
    const own = header.subarray(start, end);
    const data = this.#data.subarray(Math.max(0, start - header.length), Math.max(0, end - header.length));
    return { body: Buffer.concat([own, data]), etag };
  }

  override async *list(prefix: string): AsyncGenerator<ObjectInfo> {
    if (prefix !== keys.outputs(this.#spec.job, stage)) return yield* super.list(prefix);
    for (let partition = 0; partition < this.#spec.partitions; partition += 1) {
      yield await Promise.resolve({ key: keys.output(this.#spec.job, stage, partition), bytes: 1, modifiedAt: 0 });
    }
  }

  override create(key: string, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<WriteOutcome> {
    if (body instanceof Uint8Array) this.heldBytes += body.length;
    return super.create(key, body);
  }

  #headerOf(partition: number): Uint8Array {
    const { __metadata__: metadata, ...tensors } = Header.parse(JSON.parse(this.#header));
    const record = metadata.record.replace('"partition":0', `"partition":${partition}`);
    const recordCrc32 = crc32(record).toString(16).padStart(8, "0");
    const text = JSON.stringify({ __metadata__: { ...metadata, record, recordCrc32 }, ...tensors });
    const bytes = Buffer.alloc(8 + text.length, text.padStart(8 + text.length));
    bytes.writeBigUInt64LE(BigInt(text.length), 0);
    return bytes;
  }
}

const [partitions = 0] = process.argv.slice(2).map(Number);
const spec = makeJobSpec({
  partitionRows: Array.from({ length: partitions }, () => 10),
  slices: 2,
  training: { epochs: 1 },
});
const store = new ManyDeltas(spec);
const servers = new ParameterServers({ store });
await servers.submit(spec, weights);
servers.send({ version: 1, type: "delta", job: spec.job, round: 1 });
await servers.deliver();
const record = await readRoundRecord(servers.store, spec.job, 1);
process.send?.({
  contributions: record?.contributions.length,
  slices: record?.slices?.length,
  peakBytes: process.resourceUsage().maxRSS * 1024 - store.heldBytes,
  gets: servers.store.counts.get,
  lists: servers.store.counts.list,
});

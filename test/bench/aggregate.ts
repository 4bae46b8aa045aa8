import { join } from "node:path";
import {
  decodeTensorRecord,
  DeltaRecord,
  encodeTensorRecord,
  parseJobId,
  WeightedMean,
  type NamedTensors,
  type ObjectStore,
} from "@stampede/core";
import { FolderObjectStore } from "@stampede/local";
import { figureOf, warmSamplesOf, secondsOf, type SuiteReport } from "./measure.js";
import { withFolder } from "./temporary.js";

const deltas = 64;
/** Three tensors, so that a delta is more than one loop: 1,000,000 parameters. */
const shapes = { kernel: [900, 1000], bias: [1000], head: [99, 1000] } as const;
const deltaBytes = 4_000_000;

/** The parameter server's arithmetic in one thread, alone and together with reading and decoding. */
export function aggregateSuite({ repeat }: { readonly repeat: number }): Promise<SuiteReport> {
  return withFolder(async (folder) => {
    const store = FolderObjectStore.open(join(folder, "store"));
    const base = tensorsOf(0);
    const inMemory = Array.from({ length: deltas }, (_, i) => tensorsOf(i + 1));
    for (const [i, tensors] of inMemory.entries()) await store.create(keyOf(i), encoded(i, tensors));
    const gigabytes = (deltas * deltaBytes) / 1e9;
    const rate = (seconds: number): number => gigabytes / seconds;
    const alone = await warmSamplesOf(repeat, () => secondsOf(() => average(base, inMemory)));
    const stored = await warmSamplesOf(repeat, () => secondsOf(() => averageStored(base, store)));
    return {
      suite: "aggregate",
      parameters: { deltas, parameters: deltaBytes / 4, dtype: "float32", repeats: repeat },
      figures: [
        figureOf("weighted mean of deltas in memory", "GB/s", alone.map(rate), { atLeast: 1 }),
        figureOf("with reading from the folder store and decoding", "GB/s", stored.map(rate)),
      ],
    };
  });
}

function average(base: NamedTensors, all: readonly NamedTensors[]): NamedTensors {
  const mean = new WeightedMean(base);
  for (const [i, tensors] of all.entries()) mean.add(tensors, examplesOf(i), keyOf(i));
  return mean.result();
}

async function averageStored(base: NamedTensors, store: ObjectStore): Promise<NamedTensors> {
  const mean = new WeightedMean(base);
  for (let i = 0; i < deltas; i++) {
    const object = await store.get(keyOf(i));
    if (object === undefined) throw new Error(`Expected ${keyOf(i)} in the store, found nothing.`);
    const { record, tensors } = decodeTensorRecord(DeltaRecord, object.body, keyOf(i));
    mean.add(tensors, record.examples, keyOf(i));
  }
  return mean.result();
}

function tensorsOf(seed: number): NamedTensors {
  return new Map(
    Object.entries(shapes).map(([name, shape]) => {
      const data = new Float32Array(shape.reduce<number>((product, extent) => product * extent, 1));
      for (let i = 0; i < data.length; i++) data[i] = ((i + seed * 7919) % 1009) / 1009 - 0.5;
      return [name, { dtype: "float32", shape, data }];
    }),
  );
}

const examplesOf = (partition: number): number => 900 + partition;
const keyOf = (partition: number): string => `deltas/${String(partition).padStart(5, "0")}.safetensors`;

function encoded(partition: number, tensors: NamedTensors): Uint8Array {
  const record: DeltaRecord = {
    version: 1,
    job: parseJobId("bench"),
    round: 1,
    partition,
    attempt: 1,
    attemptId: "a1",
    codec: "none",
    examples: examplesOf(partition),
    batches: 15,
    computeMs: 1,
    metrics: {},
  };
  return encodeTensorRecord(DeltaRecord, record, tensors);
}

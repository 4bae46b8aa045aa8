import { meanMetric, type MetricStates, type TrainRequest } from "@stampede/core";
import type { GraphManifest } from "@stampede/graph/format";
import { offsetsOf } from "./draws.js";
import { metricOutput, offsetInput, poolInput, type Feeds, type Results } from "./graph.js";
import { poolOf } from "./pools.js";
import { floatsOf, toOrt } from "./tensors.js";

/** Neighbouring batches of one size, which one run of one graph trains. */
export interface TrainingRun {
  readonly from: number;
  readonly to: number;
  /** In each of them. */
  readonly rows: number;
}

/** All full batches at once, and the short last one. */
export function runsOf({ order, batchSize, fromBatch, toBatch }: TrainRequest): readonly TrainingRun[] {
  const full = Math.floor(order.length / batchSize);
  const rest = order.length % batchSize;
  const runs: TrainingRun[] = [];
  if (fromBatch < Math.min(toBatch, full)) runs.push({ from: fromBatch, to: Math.min(toBatch, full), rows: batchSize });
  if (rest > 0 && fromBatch <= full && full < toBatch) runs.push({ from: full, to: full + 1, rows: rest });
  return runs;
}

/** What a graph is fed beside data and state. */
export function stepFeeds(
  manifest: GraphManifest,
  run: TrainingRun,
  { data, order, batchSize, randomKey }: TrainRequest,
  learningRate: number,
): Feeds {
  const steps = run.to - run.from;
  // The same memory: row numbers are far below 2^31.
  const rows = new Int32Array(order.buffer, order.byteOffset + run.from * batchSize * 4, steps * run.rows);
  refuseUnknownRows(rows, data.rows);
  const feeds: Feeds = {
    order: toOrt(rows, [steps, run.rows]),
    lr: toOrt(Float32Array.of(learningRate), []),
  };
  for (const draw of manifest.draws.keys()) {
    feeds[offsetInput(draw)] = toOrt(offsetsOf(manifest, draw, randomKey, run), [steps, 1]);
  }
  for (const distribution of manifest.pools) {
    feeds[poolInput(distribution)] = toOrt(poolOf(distribution, manifest.poolLength), [manifest.poolLength]);
  }
  return feeds;
}

/** A graph would take a negative number for one that is counted from the end. */
function refuseUnknownRows(rows: Int32Array, count: number): void {
  const wrong = rows.find((row) => row < 0 || row >= count);
  if (wrong === undefined) return;
  throw new RangeError(`expected rows 0 ... ${count - 1} of the partition, found row ${wrong >>> 0}`);
}

/** Loss and metrics of each batch. */
export function batchMetrics(
  { outputs }: GraphManifest,
  { from, to, rows }: TrainingRun,
  results: Results,
): MetricStates[] {
  const values = outputs.map((_, index) => floatsOf(results[metricOutput(index)]));
  return Array.from({ length: to - from }, (_, batch) =>
    Object.fromEntries(outputs.map((label, index) => [label, meanMetric(values[index]?.[batch] ?? Number.NaN, rows)])),
  );
}

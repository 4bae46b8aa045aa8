import {
  encodeRecord,
  EvaluationRecord,
  mergeMetrics,
  resolveMetrics,
  type EngineSession,
  type MetricStates,
  type PartitionData,
} from "@stampede/core";
import { readWeights } from "../store/round-store.js";
import { withPlace } from "./refusals.js";
import { commitOutput } from "./output.js";
import { splitTensors } from "../round-tensors.js";
import { inPieces, type TaskContext } from "./task-context.js";

/** Rows per batch when nothing is learned: big enough to be fast, small enough for any memory. */
export const inferenceBatchSize = 256;

/** Evaluates the round's weights on one partition: of the validation data of a training job, else of the job's data. */
export async function runEvaluateTask(context: TaskContext): Promise<void> {
  const { task, spec, existing, deps, residents } = context;
  const { job, stage, partition, attempt, attemptId } = task;
  const { tensors } = await readWeights(deps.store, job, stage.round);
  const data = await residents.partition(spec.validation ?? spec.dataset, partition);
  const session = await residents.session(spec);

  const began = deps.clock.now();
  await session.load(splitTensors(tensors).weights);
  const metrics = await evaluateAll(context, session, data);
  const computeMs = Math.max(0, deps.clock.now() - began);

  const examples = data.rows;
  const counted = { examples, computeMs, metrics };
  const record: EvaluationRecord = { version: 1, job, round: stage.round, partition, attempt, attemptId, ...counted };
  await commitOutput(task, existing, encodeRecord(EvaluationRecord, record), deps.store);
  const told = resolveMetrics(metrics);
  deps.events.emit({ event: "task.finished", job, stage, partition, attempt, examples, metrics: told, computeMs });
}

/** Metric states of a whole partition; `{}` for an empty one. Pieces are whole batches, so their number changes no bit. */
export async function evaluateAll(
  context: TaskContext,
  session: EngineSession,
  data: PartitionData,
): Promise<MetricStates> {
  let sum: MetricStates = {};
  const batchSize = inferenceBatchSize;
  await inPieces(context, data.rows, { of: "rows", multipleOf: batchSize }, async (fromRow, toRow) => {
    for (let row = fromRow; row < toRow; row += batchSize) {
      const range = { data, batchSize, fromRow: row, toRow: Math.min(toRow, row + batchSize) };
      sum = mergeMetrics([sum, await withPlace(context, () => session.evaluate(range))]);
    }
    // Of a task that trains, the examples it trains are counted.
    if (context.task.stage.kind !== "train") context.heartbeat.add(toRow - fromRow);
  });
  return sum;
}

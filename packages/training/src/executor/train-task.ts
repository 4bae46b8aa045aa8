import {
  deriveKey,
  permutation,
  workOf,
  type EngineSession,
  type EpochSlice,
  type JobSpec,
  type MetricStates,
  type PartitionData,
} from "@stampede/core";
import { Checkpoints, type Checkpoint } from "./checkpoints.js";
import { OutOfTime, ToBeContinued } from "./endings.js";
import { evaluateAll } from "./evaluate-task.js";
import { optimizerState, orFresh } from "./optimizer-state.js";
import { withPlace } from "./refusals.js";
import { splitTensors, type RoundTensors } from "../round-tensors.js";
import { readWeights } from "../store/round-store.js";
import { inPieces, type TaskContext } from "./task-context.js";
import { commitDelta, keepCheckpoint, type Training } from "./train-output.js";
import { TrainProgress } from "./train-progress.js";

/**
 * Pull the weights of the round before, train this partition's share, commit the delta. A later attempt goes on from the newest
 * checkpoint of those before it.
 *
 * @throws ToBeContinued when its time is over and its work is kept in a checkpoint
 */
export async function runTrainTask(context: TaskContext): Promise<void> {
  const training = await begin(context);
  await trainSlices(training);
  await commitDelta(training);
}

async function begin(context: TaskContext): Promise<Training> {
  const { task, spec, deps, residents, limit } = context;
  const { store, clock } = deps;
  const { job, stage, partition } = task;
  const base = splitTensors((await limit.measured(() => readWeights(store, job, stage.round - 1))).tensors);
  const checkpoints = new Checkpoints(task, spec.training.checkpointSeconds * 1000, deps);
  const from = await checkpoints.newest();
  const data = await residents.partition(spec.dataset, partition);
  const session = await residents.session(spec);
  const began = clock.now();
  await limit.measured(() => load(context, session, base, from));
  const validation = from === undefined ? await validateBase(context, session) : from.record.validation;
  const progress = new TrainProgress(context, examplesIn(workOf(spec, stage.round, partition), data.rows, spec), from);
  return { context, session, data, base: base.weights, checkpoints, from, began, validation, progress };
}

async function load(
  context: TaskContext,
  session: EngineSession,
  base: RoundTensors,
  from: Checkpoint | undefined,
): Promise<void> {
  if (from === undefined) return session.load(base.weights, await optimizerState(context, base.optimizer));
  return session.load(from.weights, orFresh(from.optimizer));
}

async function trainSlices(training: Training): Promise<void> {
  const { context, progress, validation, from } = training;
  const slices = workOf(context.spec, context.task.stage.round, context.task.partition);
  // That the weights of the round before have been evaluated is progress too.
  const begunWith = from?.record.batches ?? (validation === undefined ? 0 : -1);
  let done = progress.sum.batches;
  try {
    for (const slice of slices) {
      const batches = slice.toBatch - slice.fromBatch;
      if (done < batches) await trainSlice(training, slice, done);
      done = Math.max(0, done - batches);
    }
  } catch (error) {
    if (!(error instanceof OutOfTime) || progress.sum.batches <= begunWith) throw error;
    await keepCheckpoint(training);
    const total = slices.reduce((sum, { fromBatch, toBatch }) => sum + toBatch - fromBatch, 0);
    throw new ToBeContinued(progress.sum.batches, total);
  }
}

/** @param done so many of the slice's batches an earlier attempt has done */
async function trainSlice(training: Training, { epoch, fromBatch, toBatch }: EpochSlice, done: number): Promise<void> {
  const { context, session, data, progress, checkpoints } = training;
  const { task, spec } = context;
  const { seed, shuffle, batchSize } = spec.training;
  const { partition } = task;
  const orderKey = deriveKey(seed, "order", epoch, partition);
  const order = shuffle ? permutation(data.rows, orderKey) : Uint32Array.from({ length: data.rows }, (_, row) => row);
  const randomKey = deriveKey(seed, "noise", epoch, partition);
  const between = async (): Promise<void> => {
    if (!progress.isDone && checkpoints.isDue()) await keepCheckpoint(training);
  };
  const unit = { of: "batches", multipleOf: 1, from: done, between } as const;
  await inPieces(context, toBatch - fromBatch, unit, async (from, to) => {
    const batches = { fromBatch: fromBatch + from, toBatch: fromBatch + to };
    const request = { data, order, batchSize, ...batches, randomKey };
    progress.add(await withPlace(context, () => session.train(request)));
  });
}

/** Evaluates the weights that the round begins with. Round 1 begins with untrained ones: nobody asks for those. */
async function validateBase(context: TaskContext, session: EngineSession): Promise<MetricStates | undefined> {
  const { task, spec, residents } = context;
  if (spec.validation === undefined || task.stage.round === 1) return undefined;
  const data = await residents.partition(spec.validation, task.partition);
  return evaluateAll(context, session, data);
}

function examplesIn(slices: readonly EpochSlice[], rows: PartitionData["rows"], { training }: JobSpec): number {
  const upTo = (batch: number): number => Math.min(batch * training.batchSize, rows);
  return slices.reduce((sum, { fromBatch, toBatch }) => sum + upTo(toBatch) - upTo(fromBatch), 0);
}

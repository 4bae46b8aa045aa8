import { isStampedeError, StampedeError, type TaskMessage } from "@stampede/core";
import type { OutOfTime } from "./endings.js";
import type { TaskContext } from "./task-context.js";

const causes =
  "Likely causes: a learning rate that is too high, features that are not scaled or standardised, wrong labels, or a loss that does not fit the last layer.";

/** A loss or weight that became NaN or infinite. A retry replays the same bits, so it ends the job at once. */
export function nonFinite({ task }: TaskContext, found: string, cause?: unknown): StampedeError {
  const { job, stage, partition } = task;
  const message = `Expected finite numbers, but in round ${stage.round}, partition ${partition}, ${found}. The job ends as failed. ${causes}`;
  return new StampedeError("training.non-finite", message, {
    details: { job, round: stage.round, partition },
    cause,
  });
}

/** Adds the round and the partition to an engine's word that the loss is not finite. */
export async function withPlace<T>(context: TaskContext, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isStampedeError(error) && error.code === "training.non-finite") throw nonFinite(context, error.message, error);
    throw error;
  }
}

/** A delta beyond `training.deltaNorm.max`: as with numbers that are not finite, a retry would end the same way. */
export function tooLong(
  { job, stage, partition }: Pick<TaskMessage, "job" | "stage" | "partition">,
  norm: number,
  max: number,
): StampedeError {
  const message = `Expected round ${stage.round} to change the weights by at most ${max} (training.deltaNorm.max, the L2 norm over all weights), found ${norm.toPrecision(6)} in partition ${partition}. The job ends as failed.`;
  return new StampedeError("training.delta-too-long", message, { details: { job, round: stage.round, partition } });
}

/** An attempt that cannot be continued, because nothing it has done can be kept, or it has done nothing. */
export function outOfTime(
  { job, stage, partition, attempt, startedAt, deadlineAt }: TaskMessage,
  { done, of, unit }: OutOfTime,
): StampedeError {
  const work = stage.kind === "train" && unit === "rows" ? "validate" : stage.kind;
  const limit = Number(((deadlineAt - startedAt) / 1000).toFixed(1));
  const goal = stage.kind === "train" && unit === "batches" ? "at least one batch" : `${of} rows`;
  const message =
    `Expected attempt ${attempt} of partition ${partition} to ${work} ${goal} in the time of its invocation (${limit} s at most, ` +
    `training.taskTimeoutSeconds), loading included; found time for ${done}. It is tried again; should that end the same way, use more ` +
    `executors, so that partitions are smaller, or a longer time.`;
  return new StampedeError("task.timed-out", message, { details: { job, round: stage.round, partition, attempt } });
}

import {
  decide,
  keys,
  StampedeError,
  type DriverMessage,
  type JobFacts,
  type JobHead,
  type JobId,
  type JobSpec,
} from "@stampede/core";
import { announcementOf } from "./announce.js";
import { carryOut } from "./carry-out.js";
import type { DriverDeps } from "./deps.js";
import { failJob } from "./fail-job.js";
import { commitFailure, commitHead, exists, listOutputs, readFailures, readHead } from "./job-store.js";
import { specOf } from "./remembered.js";

/** How often one wake-up reads the facts anew because another driver committed the head first. */
const maxConflicts = 20;

export type DriverOutcome = "running" | "ended";

/**
 * The driver: whatever wakes it, it reads the job's facts, decides, commits the decision and carries it out. Any number may
 * look at one job at once; the compare-and-swap of the head lets one of them act.
 *
 * @throws StampedeError `job.not-found`, `store.*`
 */
export async function handleDriverMessage(message: DriverMessage, deps: DriverDeps): Promise<DriverOutcome> {
  switch (message.type) {
    case "look":
      return lookOrFail(message.job, 0, deps);
    case "resumed":
      return lookOrFail(message.job, message.goneBefore, deps);
    case "invocation-failed":
      await recordFailedInvocation(message, deps);
      return lookOrFail(message.task.job, 0, deps);
    default:
      return message satisfies never;
  }
}

async function lookOrFail(job: JobId, executorsGoneBefore: number, deps: DriverDeps): Promise<DriverOutcome> {
  try {
    return await look(job, executorsGoneBefore, deps);
  } catch (error) {
    await failJob(job, error, deps);
    return "ended";
  }
}

async function look(job: JobId, executorsGoneBefore: number, deps: DriverDeps): Promise<DriverOutcome> {
  const { store, clock, unique, events } = deps;
  const spec = await specOf(store, job);
  for (let conflicts = 0; conflicts < maxConflicts; conflicts += 1) {
    const read = await readHead(store, job);
    const facts = await readFacts(spec, read?.head, executorsGoneBefore, deps);
    const now = clock.now();
    const decision = decide(facts, now);
    // What is told is read while the disk commits the head.
    const [outcome, announcement] = await Promise.all([
      decision.head === undefined ? "committed" : commitHead(store, job, decision.head, read, unique),
      announcementOf(spec, read?.head, decision, now, store),
    ]);
    if (outcome === "conflict") continue;
    for (const event of announcement) events.emit(event);
    for (const action of decision.actions) await carryOut(spec, action, deps);
    return facts.ended || decision.actions.some((action) => action.type === "end") ? "ended" : "running";
  }
  throw new StampedeError("store.conflict", `Another driver changed job ${job} ${maxConflicts} times in a row.`, {
    details: { job },
  });
}

async function readFacts(
  spec: JobSpec,
  head: JobHead | undefined,
  executorsGoneBefore: number,
  { store }: DriverDeps,
): Promise<JobFacts> {
  const { job } = spec;
  const [ended, cancelRequested] = await Promise.all([
    exists(store, keys.result(job)),
    exists(store, keys.cancel(job)),
  ]);
  const none = { weightsCommitted: false, outputs: new Set<number>(), failures: [] };
  const known = { ...none, spec, head, ended, cancelRequested, executorsGoneBefore };
  if (ended || head === undefined) return known;
  const { stage } = head;
  if (stage.kind === "train" && (await exists(store, keys.weights(job, stage.round)))) {
    return { ...known, weightsCommitted: true };
  }
  const [outputs, failures] = await Promise.all([listOutputs(store, job, stage), readFailures(store, job, stage)]);
  return { ...known, outputs, failures };
}

async function recordFailedInvocation(
  { task, error }: Extract<DriverMessage, { type: "invocation-failed" }>,
  { store, clock, events }: DriverDeps,
): Promise<void> {
  const { job, stage, partition, attempt } = task;
  await commitFailure(store, { version: 1, job, stage, partition, attempt, failedAt: clock.now(), error });
  const { code, message } = error;
  events.emit({ event: "task.failed", job, stage, partition, attempt, code, message });
}

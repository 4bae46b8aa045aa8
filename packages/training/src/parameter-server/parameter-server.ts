import {
  DeltaMessage,
  DriverMessage,
  encodeMessage,
  isStampedeError,
  keys,
  partitionOfOutput,
  slicingIn,
  type JobId,
  type JobSpec,
} from "@stampede/core";
import type { ParameterServerDeps } from "../deps.js";
import { failJob } from "../driver/fail-job.js";
import { rememberTold, sightOf, specOf, wasTold } from "../remembered.js";
import { exists } from "../store/records.js";
import { aggregateRound } from "./aggregate-round.js";
import { DamagedDelta } from "./read-delta.js";
import { planOf } from "./round-plan.js";
import { lookDelayMs, type RoundSight } from "./sight.js";
import { advanceReduction } from "./reduction/advance.js";
import { carryOut, orderIn } from "./reduction/orders.js";

/**
 * The parameter server: for every round that the messages speak of, it adds up, in the order of partitions, what is there; when all is
 * there it commits the next weights. Of a round that several functions average it hands out the parts (`reduction/`).
 *
 * What is there it knows from the hints themselves, and looks (a list) only where those do not tell it all: at the first hint of a round, and
 * then for all hints of a second together, for which a delayed message comes back. Hints that come when the driver has been told already change nothing; one of the
 * driver's own (which claims nothing) is always answered.
 *
 * @throws StampedeError `store.*`, whatever may pass at another attempt
 */
export async function handleDeltaMessages(messages: readonly DeltaMessage[], deps: ParameterServerDeps): Promise<void> {
  const order = await orderIn(messages, deps.store);
  // One order an invocation: all that wait here would wait for each other. Not before the store has answered, or they would become more
  // and more while it does not.
  for (const message of messages) {
    const isOther = message.make !== undefined && message !== order?.message;
    if (isOther) await deps.queues.deltas.send(encodeMessage(DeltaMessage, message));
  }
  for (const { job, round, hints } of roundsOf(messages.filter(({ make }) => make === undefined))) {
    const isAsked = hints.some(({ claim, isLeftOut }) => claim === undefined && isLeftOut === undefined);
    if (!isAsked && wasTold(deps.store, job, round)) continue;
    const isSettled = await orFail(job, round, deps, () => answerHints(job, round, hints, deps));
    if (!isSettled) continue;
    // Also when the weights were there before: the hint that told the driver may be the one that was lost.
    await hintDriver(job, deps);
    rememberTold(deps.store, job, round);
  }
  if (order === undefined || order.state === "ended") return;
  const { job, round } = order.message;
  const isSettled = order.state === "committed" || (await orFail(job, round, deps, () => carryOut(order, deps)));
  if (isSettled) await hintDriver(job, deps);
}

interface RoundHints {
  readonly job: JobId;
  readonly round: number;
  readonly hints: readonly DeltaMessage[];
}

function roundsOf(hints: readonly DeltaMessage[]): Iterable<RoundHints> {
  const rounds = new Map<string, RoundHints>();
  for (const hint of hints) {
    const { job, round } = hint;
    const name = `${job}/${round}`;
    rounds.set(name, { job, round, hints: [...(rounds.get(name)?.hints ?? []), hint] });
  }
  return rounds.values();
}

/** Whether the driver has something to see: the round's weights, or the end of the job. */
async function orFail(
  job: JobId,
  round: number,
  deps: ParameterServerDeps,
  work: () => Promise<boolean>,
): Promise<boolean> {
  try {
    return await work();
  } catch (error) {
    // Another parameter server was first, and `collectGarbage` may have taken the round's deltas away since: nothing is wrong then.
    if (await exists(deps.store, keys.weights(job, round))) return true;
    if (error instanceof DamagedDelta) {
      sightOf(deps.store, job, round).forget(error.partition);
      await reportDamage(job, error, deps);
      return false;
    }
    if (await wasOnlyClaimed(error, job, round, deps)) return false;
    await failJob(job, error, deps);
    return true;
  }
}

async function answerHints(
  job: JobId,
  round: number,
  hints: readonly DeltaMessage[],
  deps: ParameterServerDeps,
): Promise<boolean> {
  const { store } = deps;
  const spec = await specOf(store, job);
  const sight = sightOf(store, job, round);
  for (const hint of hints) sight.note(hint);
  if (slicingIn(spec).parts > 1) return advanceReduction({ spec, round, hints, sight, deps });
  const isKnown = sight.hasAllDeltas(spec);
  if (!isKnown && !sight.mustLook(hints)) return aggregateSome(spec, round, sight, deps);
  if (await exists(store, keys.weights(job, round))) return true;
  if (!isKnown) await sight.look(store);
  return aggregateRound(spec, round, await planOf(spec, round, store), sight, deps);
}

/** What is there without a look, which is made up for later. */
async function aggregateSome(
  spec: JobSpec,
  round: number,
  sight: RoundSight,
  deps: ParameterServerDeps,
): Promise<boolean> {
  await leaveOut(spec.job, round, sight, deps);
  // With a quorum it would take a look to know which deltas count.
  if (spec.training.quorum < 1) return false;
  return aggregateRound(spec, round, await planOf(spec, round, deps.store), sight, deps);
}

/** Somebody who is handed hints of the same round may have seen the others: whoever is handed this message looks. */
async function leaveOut(
  job: JobId,
  round: number,
  sight: RoundSight,
  { queues, clock }: ParameterServerDeps,
): Promise<void> {
  if (!sight.leavesOut(clock.now())) return;
  const later = encodeMessage(DeltaMessage, { version: 1, type: "delta", job, round, isLeftOut: true });
  await queues.deltas.send(later, { delayMs: lookDelayMs });
}

/** A delta that a hint claimed is not there: it is not waited for, and a look tells what is. */
async function wasOnlyClaimed(error: unknown, job: JobId, round: number, deps: ParameterServerDeps): Promise<boolean> {
  if (!isStampedeError(error) || error.code !== "store.missing") return false;
  const { key } = error.details;
  if (typeof key !== "string") return false;
  const partition = partitionOfOutput(key, job, { kind: "train", round });
  const sight = sightOf(deps.store, job, round);
  if (partition === undefined || !sight.forget(partition)) return false;
  await leaveOut(job, round, sight, deps);
  return true;
}

/** The driver has the task done again. Nothing is averaged before. */
async function reportDamage(
  job: JobId,
  { round, partition, etag, message }: DamagedDelta,
  { queues }: ParameterServerDeps,
): Promise<void> {
  const stage = { kind: "train", round } as const;
  const damage = { version: 1, type: "output-damaged", job, stage, partition, etag, message } as const;
  await queues.driver.send(encodeMessage(DriverMessage, damage));
}

async function hintDriver(job: JobId, { queues }: ParameterServerDeps): Promise<void> {
  await queues.driver.send(encodeMessage(DriverMessage, { version: 1, type: "look", job, reason: "round" }));
}

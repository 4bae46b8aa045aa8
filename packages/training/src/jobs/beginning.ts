import {
  decodeSafetensorsHeader,
  decodeTensorRecordHeader,
  isDamage,
  keys,
  RoundRecord,
  safetensorsHeaderEnd,
  type JobEvent,
  type JobId,
  type JobResult,
  type JobSpec,
  type KernelKind,
  type ObjectStore,
} from "@stampede/core";
import { readHead } from "../store/job-store.js";
import { parametersIn, submittedEvent } from "../submitted.js";

type Submitted = Extract<JobEvent, { event: "job.submitted" }>;

/** A header with some thousand weights. */
const firstLookBytes = 65_536;

/** How a stored job began: what its client told, and when. The weights themselves are not read. */
export async function readBeginning(
  store: ObjectStore,
  spec: JobSpec,
  result: JobResult | undefined,
): Promise<{ readonly submitted: Submitted; readonly beganAt: number }> {
  // Those of round 0 may be gone once the job has ended; the result's have the same shapes.
  const first = await headerOf(store, spec, 0);
  const header = first ?? (result && (await headerOf(store, spec, result.round)));
  const submitted = submittedEvent(spec, header?.parameters ?? 0, false);
  return { submitted, beganAt: first?.committedAt ?? spec.createdAt };
}

/**
 * Of the kernels that have trained a job so far, from its head: nothing has to be asked of each round. None where that is damaged: its driver
 * finds out too, and ends the job.
 */
export async function readKernels(store: ObjectStore, job: JobId): Promise<readonly KernelKind[]> {
  try {
    return (await readHead(store, job))?.head.blocks ?? [];
  } catch (error) {
    if (isDamage(error)) return [];
    throw error;
  }
}

/** Undefined where it is gone or damaged: it is for people. */
async function headerOf(
  store: ObjectStore,
  { job }: JobSpec,
  round: number,
): Promise<{ readonly parameters: number; readonly committedAt: number } | undefined> {
  const key = keys.weights(job, round);
  const look = await store.get(key, { start: 0, end: firstLookBytes });
  if (look === undefined) return undefined;
  try {
    const end = safetensorsHeaderEnd(look.body, key);
    const whole = end <= look.body.length ? look : await store.get(key, { start: 0, end });
    if (whole === undefined) return undefined;
    const { committedAt } = decodeTensorRecordHeader(RoundRecord, whole.body, key);
    const { entries } = decodeSafetensorsHeader(whole.body, key);
    return { parameters: parametersIn(entries.map((entry) => [entry.name, entry])), committedAt };
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

import {
  hashTensors,
  tensorOf,
  type DeltaMessage,
  type JobSpec,
  type NamedTensors,
  type ReductionNode,
  type Slicing,
  type TrainingSettings,
} from "@stampede/core";
import { readWeights, splitTensors } from "@stampede/training";
import { bigState, bigWeights } from "./big-deltas.js";
import { makeJobSpec } from "./job-specs.js";
import { ParameterServers, type Delta, type ServersOptions } from "./parameter-servers.js";

/** A job of which there are parameter servers only, and how its rounds are averaged. */
export interface Case extends Partial<Slicing> {
  readonly training?: Partial<TrainingSettings>;
  readonly rows?: readonly number[];
  readonly rounds?: number;
  readonly initial?: NamedTensors;
  readonly deltaOf?: (partition: number, round: number) => Delta;
  readonly options?: ServersOptions;
}

export interface Job {
  readonly servers: ParameterServers;
  readonly spec: JobSpec;
}

const rowsOfFive = [10, 3, 0, 25, 7];

export function bigDelta(partition: number, round: number): Delta {
  const seed = (partition % 8) + 10 * round;
  return { weights: bigWeights(seed), optimizer: bigState(seed), norm: 1 + (partition % 8) };
}

/** Numbers so few that they are read whole. */
export function smallDelta(partition: number): Delta {
  return { weights: new Map([["w", tensorOf(Float32Array.of(partition / 3, 1, -partition), [3])]]) };
}

export async function submitted({
  slices,
  parts,
  training,
  rows = rowsOfFive,
  rounds = 1,
  ...others
}: Case): Promise<Job> {
  const servers = new ParameterServers(others.options);
  const spec = makeJobSpec({
    partitionRows: [...rows],
    training: { epochs: rounds, ...training },
    ...(slices !== undefined && { slices }),
    ...(parts !== undefined && { parts }),
  });
  await servers.submit(spec, others.initial ?? bigWeights(0));
  return { servers, spec };
}

/** Rounds one after the other, each as all of its deltas are there. */
export async function ran(given: Case): Promise<Job> {
  const { rounds = 1, deltaOf = bigDelta } = given;
  const job = await submitted(given);
  for (let round = 1; round <= rounds; round += 1) {
    await commitAll(job, round, deltaOf);
    await job.servers.deliver();
  }
  return job;
}

/** Commits the deltas of a round, and sends their hints. */
export async function commitAll({ servers, spec }: Job, round = 1, deltaOf = bigDelta): Promise<void> {
  for (let partition = 0; partition < spec.partitions; partition += 1) {
    servers.send(await servers.commit(spec, round, partition, deltaOf(partition, round)));
  }
}

/** What a round came to, whoever averaged it. */
export async function contentOf({ servers, spec }: Job, round = 1): Promise<unknown> {
  const { record, tensors } = await readWeights(servers.store, spec.job, round);
  const { weights, optimizer } = splitTensors(tensors);
  const { contributions, metrics, validation } = record;
  const counted = contributions.map(({ partition, examples, norm }) => ({ partition, examples, norm }));
  const bits = { weights: hashTensors(weights), optimizer: hashTensors(optimizer) };
  return { ...bits, counted, metrics, validation };
}

/** The driver's question. */
export function question({ spec }: Job, round = 1): DeltaMessage {
  return { version: 1, type: "delta", job: spec.job, round };
}

/** What the invocations made, from one of them on: the first order of each, all others are sent back. */
export function ordersOf({ servers }: Job, from = 0): readonly ReductionNode[] {
  return servers.invocations.slice(from).flatMap((batch) => {
    const order = batch.find(({ make }) => make !== undefined);
    return order?.make === undefined ? [] : [order.make];
  });
}

import { groupsIn } from "@stampede/core";
import { runFanOut, type FanOutFacts, type FanOutOptions, type Requests } from "@stampede/testing/fan-out";
import { beforeAll, describe, expect, it } from "vitest";
import { deployedCloud } from "../support/fan-out.js";

/** A job whose rounds are short: nobody asks in between whether it is still needed. */
function run(partitions: number, options: Partial<FanOutOptions> = {}): Promise<FanOutFacts> {
  const job = { rounds: 3, localWorkMs: 3_000, weightBytes: 40_000, setup: deployedCloud };
  return runFanOut({ partitions, ...job, ...options });
}

/** Of a round in the middle of a job, as S3 bills them. */
interface Counted {
  readonly puts: number;
  readonly gets: number;
  readonly lists: number;
  readonly sqs: number;
  readonly invocations: number;
}

function counted(requests: Requests): Counted {
  const { "s3:PutObject": puts = 0, "s3:GetObject": gets = 0, "s3:HeadObject": heads = 0 } = requests;
  const { "s3:ListObjectsV2": lists = 0, "lambda:Invoke": invokes = 0, "lambda:EventSource": calls = 0 } = requests;
  const { "sqs:SendMessage": sends = 0, "sqs:ReceiveMessage": receives = 0 } = requests;
  const { "sqs:DeleteMessageBatch": deletes = 0 } = requests;
  return { puts, gets: gets + heads, lists, sqs: sends + receives + deletes, invocations: invokes + calls };
}

const sizes = [10, 100, 1_000] as const;
/** Every environment of the parameter server looks for itself, and again every second while deltas come. */
const mostLists = 100;
/** What does not grow with the executors. */
const fixed = { puts: 20, gets: 120 } as const;
/** Deltas that come at the same time come to several parameter servers, so many of which add up the whole round. */
const readers = 10;

describe("requests of one round", () => {
  const rounds = new Map<number, Counted>();
  beforeAll(async () => {
    for (const executors of sizes) {
      const facts = await run(executors, executors === 1_000 ? { rounds: 2 } : {});
      rounds.set(executors, counted(facts.rounds[1]?.requests ?? {}));
    }
  }, 300_000);

  it.each(sizes)("%i executors write two objects each: a sign of life and a delta", (executors) => {
    const { puts = 0 } = rounds.get(executors) ?? {};
    expect(puts).toBeGreaterThanOrEqual(2 * executors + 2);
    expect(puts).toBeLessThanOrEqual(2 * executors + fixed.puts);
  });

  it.each(sizes)("%i executors and those who average read a handful of objects each", (executors) => {
    const { gets = 0 } = rounds.get(executors) ?? {};
    // Weights, data, two looks at the delta's key; and the delta by those who average.
    expect(gets).toBeGreaterThanOrEqual(5 * executors);
    expect(gets).toBeLessThanOrEqual((4 + readers) * executors + fixed.gets);
  });

  it.each(sizes)("%i executors: so many lists whatever their number", (executors) => {
    const { lists = 0 } = rounds.get(executors) ?? {};
    expect(lists).toBeLessThanOrEqual(mostLists);
  });

  it.each(sizes)("%i executors: one invocation and at most three calls of SQS each", (executors) => {
    const { sqs = 0, invocations = 0 } = rounds.get(executors) ?? {};
    expect(sqs).toBeLessThanOrEqual(3 * executors + 60);
    expect(invocations).toBeLessThanOrEqual(2 * executors + 30);
  });
});

describe("requests of a round that several functions average", () => {
  const [slices, parts] = [2, 8];

  it.each([10, 100, 200])("grow with executors times parts: %i executors", async (executors) => {
    const facts = await run(executors, { slicing: { slices, parts } });
    const { puts, gets, lists, invocations } = counted(facts.rounds[1]?.requests ?? {});
    const groups = groupsIn(executors);
    const functions = groups * parts;
    // A plan for each group, a sum for each of its parts (of two functions that are last both make what follows), parts and slices.
    expect(puts).toBeLessThanOrEqual(2 * executors + groups + functions + 2 * (parts + slices) + fixed.puts);
    // Each slice of the weights by every executor, and each part of every delta, its header and a look at its key besides.
    expect(gets).toBeGreaterThanOrEqual((slices + parts + 5) * executors);
    // Deltas that come within a fraction of a second are asked for by many, and their headers are read by some at the same time.
    const questions = 18;
    expect(gets).toBeLessThanOrEqual((slices + parts + 8 + questions) * executors + 20 * functions + fixed.gets);
    expect(lists).toBeLessThanOrEqual(mostLists);
    expect(invocations).toBeLessThanOrEqual(2 * executors + functions + 30);
  });
});

describe("waiting", () => {
  const executors = 10;
  const minutes = [1, 5] as const;
  let shorter: Counted;
  let longer: Counted;
  beforeAll(async () => {
    const of = async (localWorkMs: number): Promise<Counted> =>
      counted((await run(executors, { localWorkMs, workSigma: 0, batches: 120 })).rounds[1]?.requests ?? {});
    shorter = await of(minutes[0] * 60_000);
    longer = await of(minutes[1] * 60_000);
  });

  const taskMinutes = (minutes[1] - minutes[0]) * executors;

  it("costs a busy task its stop checks and signs of life: 18 small reads and 6 small writes a minute", () => {
    expect((longer.puts - shorter.puts) / taskMinutes).toBeLessThanOrEqual(6.5);
    expect((longer.gets - shorter.gets) / taskMinutes).toBeLessThanOrEqual(19.5);
  });

  it("polls nothing: neither lists nor messages nor calls grow with the time that tasks take", () => {
    expect(longer.lists - shorter.lists).toBeLessThanOrEqual(20);
    expect(longer.sqs - shorter.sqs).toBeLessThanOrEqual(30);
    expect(longer.invocations - shorter.invocations).toBeLessThanOrEqual(15);
  });
});

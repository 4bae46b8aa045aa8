import {
  encodeRecord,
  JobRequest,
  keys,
  parseJobId,
  tensorOf,
  type JobEvent,
  type JobSpec,
  type NamedTensors,
  type ObjectStore,
} from "@stampede/core";
import { FactsLog } from "@stampede/client";
import { collectGarbage, commitResult } from "@stampede/training";
import { describe, expect, it } from "vitest";
import { storePartitions } from "../../support/datasets.js";
import { makeJobSpec } from "../../support/job-specs.js";
import { World, type WorldOptions } from "../../support/world.js";

const initial: NamedTensors = new Map([["w", tensorOf(Float32Array.of(0.5, -0.25), [2])]]);
type Overrides = NonNullable<Parameters<typeof makeJobSpec>[0]>;

async function submitted(overrides: Overrides, options: WorldOptions = {}): Promise<{ world: World; spec: JobSpec }> {
  const world = new World({ msPerLook, ...options });
  const rows = [40, 41];
  const { dataset } = await storePartitions(world.store, rows);
  const spec = makeJobSpec({ dataset, ...overrides, partitionRows: rows });
  await world.submit(spec, initial);
  return { world, spec };
}

const maxSteps = 500;

/** Lets the job run `stride` steps at a time, and looks at it after each. */
async function follow(world: World, spec: JobSpec, log: FactsLog, stride: number): Promise<readonly JobEvent[]> {
  const told: JobEvent[] = [];
  for (let steps = 0; steps < maxSteps && log.result === undefined; steps += stride) {
    await world.run(spec, () => false, stride);
    // Late enough for every listing that is to come.
    told.push(...(await log.look(world.deps.clock.now() + steps * 10_000)));
  }
  return told;
}

/** But for what only the roles themselves know at the time: signs of life between two looks, and when an executor began. */
function factual(events: readonly JobEvent[], names: readonly JobEvent["event"][]): readonly JobEvent[] {
  return events.filter(({ event }) => names.includes(event));
}

/** Every look at the world's clock takes so long. */
const msPerLook = 3;

/** What is stored of the end of a job is when its result was made: one look at the clock after the decision. */
function endedLater(event: JobEvent): JobEvent {
  const isLast = event.event === "round.finished" && event.round === event.rounds;
  return isLast ? { ...event, wallMs: event.wallMs + msPerLook } : event;
}

function sorted(events: readonly JobEvent[]): readonly string[] {
  return events.map((event) => JSON.stringify(event)).toSorted();
}

const jobs: readonly (readonly [string, Overrides, WorldOptions])[] = [
  ["a training job", { training: { epochs: 4, batchSize: 8 } }, {}],
  ["an evaluation", { kind: "evaluate" }, {}],
  [
    "a training job with attempts that fail",
    { training: { epochs: 4, batchSize: 8, maxAttempts: 5 } },
    { fateOf: loseSome() },
  ],
];

/** Loses every fifth start of an executor for good. */
function loseSome(): NonNullable<WorldOptions["fateOf"]> {
  let starts = 0;
  return (event) => (event.to === "executor" && (starts += 1) % 5 === 2 ? "lose" : "deliver");
}

describe("the log of a job from its facts", () => {
  it.each(jobs)("tells of %s what its roles tell, in every look", async (_, overrides, options) => {
    const { world, spec } = await submitted(overrides, options);
    const log = new FactsLog(world.store, spec.job, "beginning");
    const told = await follow(world, spec, log, 1);
    expect(log.result?.status).toBe("succeeded");
    const names = ["round.started", "round.finished"] as const;
    expect(factual(told, names)).toEqual(factual(world.events, names).map(endedLater));
    expect(factual(told, names).length).toBeGreaterThan(0);
    expect(factual(told, ["task.retried"]).length > 0).toBe(options.fateOf !== undefined);
    expect(sorted(factual(told, ["task.retried"]))).toEqual(sorted(factual(world.events, ["task.retried"])));
    expect(new Set(sorted(factual(told, ["task.finished"])))).toEqual(
      new Set(sorted(factual(world.events, ["task.finished"]))),
    );
  });

  it.each([2, 7, 1000])("tells the same metrics when it looks every %d steps only", async (stride) => {
    const { world, spec } = await submitted({ training: { epochs: 5, batchSize: 8 } });
    const told = await follow(world, spec, new FactsLog(world.store, spec.job, "beginning"), stride);
    const untimed = (events: readonly JobEvent[]) =>
      events.flatMap((event) => (event.event === "round.finished" ? [{ ...event, wallMs: 0 }] : []));
    expect(untimed(told)).toEqual(untimed(world.events));
    expect(factual(told, ["task.finished"])).toHaveLength(10);
    expect(factual(told, ["round.started"])).toHaveLength(5);
  });

  it("tells failures with their reasons, and the last word of a job that failed of them", async () => {
    const engine = { name: "tfjs-cpu", open: () => Promise.reject(new Error("no such layer")) } as const;
    const { world, spec } = await submitted({ training: { maxAttempts: 2 } }, { engine });
    const log = new FactsLog(world.store, spec.job, "beginning");
    const told = await follow(world, spec, log, 1);
    const failures = factual(world.events, ["task.failed"]);
    expect(failures.length).toBeGreaterThan(1);
    expect(sorted(factual(told, ["task.failed"]))).toEqual(sorted(failures));
    expect(await log.lastWord()).toMatchObject({
      event: "job.failed",
      code: "internal.unexpected",
      message: expect.stringContaining("no such layer"),
    });
  });

  it("tells from where the job stands, when what was before is known", async () => {
    const { world, spec } = await submitted({ training: { epochs: 4, batchSize: 8 } });
    await world.run(spec, () => factual(world.events, ["round.finished"]).length === 2);
    const log = new FactsLog(world.store, spec.job, "now");
    const told = await follow(world, spec, log, 1);
    const rounds = told.flatMap((event) => (event.event === "round.finished" ? [event.round] : []));
    expect(rounds).toEqual([3, 4]);
  });

  it("tells the whole life of a job that has ended, also after a garbage collection", async () => {
    const { world, spec } = await submitted({ training: { epochs: 3, batchSize: 8 } });
    await world.run(spec);
    const { store, clock } = world.deps;
    const whole = new FactsLog(store, spec.job, "beginning");
    const before = await whole.look(clock.now());
    expect(whole.submitted).toMatchObject({ event: "job.submitted", parameters: 2, rounds: 3, executors: 2 });
    expect(await whole.lastWord()).toMatchObject({
      event: "job.succeeded",
      rounds: 3,
      weightsSha256: whole.result?.weightsSha256,
    });
    await collectGarbage({ dryRun: false, minAgeMs: 0, jobsOlderThanMs: undefined }, { store, clock });
    const collected = new FactsLog(store, spec.job, "beginning");
    const after = await collected.look(clock.now());
    const names = ["round.finished"] as const;
    const untimed = (events: readonly JobEvent[]) => factual(events, names).map((event) => ({ ...event, wallMs: 0 }));
    expect(untimed(after)).toEqual(untimed(before));
    expect(collected.submitted).toMatchObject({ parameters: 2 });
  });

  it("waits for a job that the cloud is still preparing, and tells why that failed", async () => {
    const { store, clock, unique } = new World().deps;
    const job = parseJobId("requested-1");
    const log = new FactsLog(store, job, "beginning");
    await expect(log.look(1)).rejects.toMatchObject({ code: "job.not-found" });
    const data = { train: { format: "csv", file: "s3://bucket/rows.csv", features: {}, labels: { column: "y" } } };
    const request = JobRequest.parse({
      version: 1,
      job,
      token: unique.hex(16),
      createdAt: 1,
      name: "requested",
      model: { json: {} },
      data,
      training: {},
      capacity: { cores: 1, executors: 1, memoryBytes: 2 ** 30 },
    });
    await store.create(keys.request(job), encodeRecord(JobRequest, request));
    expect(await log.look(2)).toEqual([]);
    expect([log.result, log.submitted, await log.lastWord()]).toEqual([undefined, undefined, undefined]);
    const error = { code: "data.not-readable", message: "no such object", retryable: false } as const;
    const ended = { endedAt: clock.now(), token: unique.hex(16), round: 0, metrics: {} };
    await commitResult(store, { version: 1, job, status: "failed", error, ...ended });
    expect(await log.look(3)).toEqual([]);
    expect(await log.lastWord()).toEqual({ event: "job.failed", job, code: error.code, message: error.message });
  });

  it("asks for two small things while nothing is new, and lists seldom", async () => {
    const { world, spec } = await submitted({ training: { epochs: 4, batchSize: 8 } });
    await world.run(spec, () => factual(world.events, ["task.started"]).length === 1);
    const { store, calls } = counting(world.store);
    const log = new FactsLog(store, spec.job, "beginning");
    const from = world.deps.clock.now();
    await log.look(from);
    calls.length = 0;
    for (let second = 1; second <= 60; second += 1) await log.look(from + second * 1000);
    const of = (name: string) => calls.filter((call) => call === name).length;
    expect(of("head")).toBe(120);
    expect(of("list")).toBeLessThanOrEqual(10);
    // The one sign of life, once.
    expect(of("get")).toBe(1);
  });

  it("repeats what a look that failed had not told", async () => {
    const { world, spec } = await submitted({ training: { epochs: 2, batchSize: 8 } });
    await world.run(spec);
    let left = 0;
    const flaky: ObjectStore = {
      ...counting(world.store).store,
      get: (key, range) => (left-- > 0 ? world.store.get(key, range) : Promise.reject(new Error("no answer"))),
    };
    const log = new FactsLog(flaky, spec.job, "beginning");
    let looks = 0;
    let told: readonly JobEvent[] = [];
    while (log.result === undefined && looks < 50) {
      left = looks++;
      told = await log.look(1).catch(() => []);
    }
    expect(looks).toBeGreaterThan(3);
    expect(factual(told, ["round.finished"])).toHaveLength(2);
  });
});

function counting(inner: ObjectStore): { store: ObjectStore; calls: string[] } {
  const calls: string[] = [];
  const counted =
    <A extends unknown[], R>(name: string, call: (...args: A) => R) =>
    (...args: A): R => {
      calls.push(name);
      return call(...args);
    };
  const store: ObjectStore = {
    get: counted("get", (...args) => inner.get(...args)),
    head: counted("head", (...args) => inner.head(...args)),
    create: counted("create", (...args) => inner.create(...args)),
    replace: counted("replace", (...args) => inner.replace(...args)),
    list: counted("list", (...args) => inner.list(...args)),
    delete: counted("delete", (...args) => inner.delete(...args)),
  };
  return { store, calls };
}

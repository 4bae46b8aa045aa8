import { fc, test } from "@fast-check/vitest";
import { randomUint32, tensorOf, type JobResult, type JobSpec, type NamedTensors } from "@stampede/core";
import { readRetries, readRoundRecord } from "@stampede/training";
import { expect, it } from "vitest";
import { storePartitions } from "../support/datasets.js";
import { makeJobSpec } from "../support/job-specs.js";
import { World, type WorldOptions } from "../support/world.js";

const initial: NamedTensors = new Map([["w", tensorOf(Float32Array.of(0.5, -0.25), [2])]]);

interface Plan {
  readonly partitionRows: readonly number[];
  readonly validationRows: readonly number[] | undefined;
  readonly training: Partial<JobSpec["training"]>;
}

interface Ended {
  readonly result: JobResult | undefined;
  readonly rounds: readonly unknown[];
  readonly continued: number;
}

async function ran({ partitionRows, validationRows, training }: Plan, options: WorldOptions): Promise<Ended> {
  const world = new World(options);
  const { dataset } = await storePartitions(world.store, partitionRows);
  const validation = validationRows && (await storePartitions(world.store, validationRows)).dataset;
  const spec = makeJobSpec({
    dataset,
    ...(validation && { validation }),
    partitionRows: [...partitionRows],
    training: { backups: false, maxAttempts: 100, ...training },
  });
  await world.submit(spec, initial);
  const result = await world.run(spec);
  const rounds: unknown[] = [];
  let continued = 0;
  for (let round = 1; round <= (result?.round ?? 0); round += 1) {
    const record = await readRoundRecord(world.store, spec.job, round);
    const contributions = record?.contributions.map(({ partition, examples, metrics, norm }) => {
      return { partition, examples, metrics, norm };
    });
    rounds.push([record?.weightsSha256, record?.metrics, record?.validation, contributions]);
    const retries = await readRetries(world.store, spec.job, { kind: "train", round });
    continued += retries.filter(({ why }) => why === "continued").length;
  }
  return { result, rounds, continued };
}

const partitions = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 3 });
const frequencies = ["epoch", "fit", "batch", { steps: 3 }] as const;

/** In all runs of the property. */
let continued = 0;

test.prop(
  [
    partitions,
    fc.boolean(),
    fc.record({
      epochs: fc.integer({ min: 1, max: 3 }),
      batchSize: fc.integer({ min: 1, max: 8 }),
      frequency: fc.constantFrom(...frequencies),
      optimizerState: fc.constantFrom("carried", "averaged", "reset"),
      shuffle: fc.boolean(),
      seed: fc.nat(1000),
      checkpointSeconds: fc.constantFrom(0.3, 2, 300),
    }),
    fc.record({
      seed: fc.nat(),
      warm: fc.boolean(),
      msPerLook: fc.constantFrom(20, 90, 150),
      isPlatform: fc.boolean(),
    }),
  ],
  { numRuns: 80 },
)(
  "however a task is cut into invocations, its delta has the bits and metrics of one that was not cut",
  async (rows, validates, training, cuts) => {
    // A deadline runs while a task waits for its turn, and here all wait for one processor.
    const wanted = cuts.isPlatform ? rows : rows.slice(0, 1);
    const partitionRows = wanted.every((count) => count === 0) ? [5] : wanted;
    const validationRows = validates ? partitionRows.map((count) => count % 4) : undefined;
    const plan = { partitionRows, validationRows, training };
    const uncut = await ran(plan, {});
    expect(uncut.result?.status).toBe("succeeded");
    let draws = 0;
    // From what is not enough for a single batch to what is enough for many.
    const draw = (): number => 20 * cuts.msPerLook + 500 + (randomUint32(cuts.seed, (draws += 1)) % 3_000);
    const { warm, msPerLook, isPlatform } = cuts;
    const timed = {
      training: { ...training, ...(!isPlatform && { taskTimeoutSeconds: (draw() + 25 * cuts.msPerLook) / 1000 }) },
    };
    const cut = await ran({ ...plan, ...timed }, { warm, msPerLook, ...(isPlatform && { invocationMs: draw }) });
    expect(cut.result?.error).toBeUndefined();
    expect(cut.rounds).toEqual(uncut.rounds);
    const { metrics, validation, weightsSha256 } = uncut.result ?? {};
    expect(cut.result).toMatchObject({ metrics, weightsSha256, ...(validation && { validation }) });
    continued += cut.continued;
  },
);

it("tasks were cut", () => {
  expect(continued).toBeGreaterThan(50);
});

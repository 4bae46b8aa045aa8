import type { JobPlan, Scenario } from "./scenario.js";
import type { JobShape } from "./shapes.js";

type Change = (scenario: Scenario) => Scenario;

const everyJob =
  (change: (plan: JobPlan) => JobPlan): Change =>
  (scenario) => ({ ...scenario, jobs: scenario.jobs.map(change) });

const everyShape = (change: (shape: JobShape) => Partial<JobShape>): Change =>
  everyJob((plan) => ({ ...plan, shape: { ...plan.shape, ...change(plan.shape) } }));

const habit = (habits: Partial<Scenario["habits"]>): Change => {
  return (scenario) => ({ ...scenario, habits: { ...scenario.habits, ...habits } });
};

/** Everything beyond the last partition is cut off. */
function withPartitions(plan: JobPlan, count: number): JobPlan {
  const { shape } = plan;
  const validationRows = shape.validationRows?.slice(0, count);
  return { ...plan, shape: { ...shape, partitionRows: shape.partitionRows.slice(0, count), validationRows } };
}

/** Ways to make a scenario simpler, by name, so that a simplified one can be played again: the most helpful ones first. */
const changes: Readonly<Record<string, Change>> = {
  "no-crash": (scenario) => ({ ...scenario, crashesAfterMs: [] }),
  "first-job": (scenario) => ({ ...scenario, jobs: scenario.jobs.slice(0, 1) }),
  "last-job": (scenario) => ({ ...scenario, jobs: scenario.jobs.slice(-1) }),
  "no-cancel": everyJob((plan) => ({ ...plan, cancelAfterMs: undefined })),
  "no-poison": everyJob((plan) => ({ ...plan, poison: undefined })),
  "1-partition": everyJob((plan) => withPartitions(plan, 1)),
  "2-partitions": everyJob((plan) => withPartitions(plan, 2)),
  "3-partitions": everyJob((plan) => withPartitions(plan, 3)),
  "1-epoch": everyShape(() => ({ epochs: 1 })),
  "2-epochs": everyShape(() => ({ epochs: 2 })),
  "frequency-epoch": everyShape(() => ({ frequency: "epoch" })),
  "no-validation": everyShape(() => ({ validationRows: undefined })),
  "no-clip": everyShape(() => ({ clip: undefined })),
  "1-part": everyJob((plan) => ({ ...plan, limits: { ...plan.limits, slices: 1, parts: 1 } })),
  "reset-state": everyShape(() => ({ optimizerState: "reset" })),
  cold: habit({ warmth: 0 }),
  "steady-latency": habit({ latencyMs: [1, 3] }),
  "one-page": habit({ pageSize: 1000 }),
  "one-message": habit({ batchSize: 1 }),
  "one-at-a-time": habit({ concurrency: 1 }),
  "no-silence": habit({ silence: 0 }),
  "long-invocations": habit({ invocationMs: undefined }),
};

export const simplifications: readonly string[] = Object.keys(changes);

/** @throws RangeError for a name that is none of `simplifications` */
export function simplified(scenario: Scenario, names: readonly string[]): Scenario {
  return names.reduce((result, name) => {
    const change = changes[name];
    if (change === undefined) throw new RangeError(`Expected one of ${simplifications.join(", ")}, found ${name}.`);
    return change(result);
  }, scenario);
}

import { resolveMetrics, type MetricStates, type NamedTensors, type Tensor, type TrainingConfig } from "@stampede/core";
import { memoryOf, slotKey } from "../config/optimizer-memory.js";
import { readOptimizer } from "../config/optimizers.js";

/** What one step makes of a model. */
export interface StepOutcome {
  readonly weights: NamedTensors;
  readonly optimizer: NamedTensors;
  readonly metrics: MetricStates;
}

export interface Steps {
  readonly config: TrainingConfig["optimizer_config"];
  /** Names of the weights that are trained. */
  readonly trained: ReadonlySet<string>;
  /** The weights that both began with. */
  readonly before: NamedTensors;
  readonly expected: StepOutcome;
  readonly found: StepOutcome;
}

/** How far a weight may be off, as a part of how far the step moves it. Engines round sums, in different orders. */
const usualTolerance = 1e-4;
/** Adam divides a gradient by its own length, which makes the rounding error of a small one large. */
const adamTolerance = 2e-2;
/** Adam's weights with a smaller gradient than this part of the largest are left out: theirs may be nothing but rounding errors. */
const leastGradient = 1e-3;
/** A weight that hardly moves is measured by this part of how far others move: its gradient may be a difference of equal numbers. */
const leastMovement = 0.03;
/** Of the weight itself: the steps between float32 numbers, of which a small movement has few. */
const rounding = 2 ** -21;
const lossTolerance = 1e-4;
/** Squares of gradients are twice as far off as gradients. */
const memoryTolerance = 2e-4;

/**
 * Compares one step of two engines.
 * @returns what differs, for people; undefined when both computed the same within rounding
 */
export function differenceOf(steps: Steps): string | undefined {
  return differentLoss(steps) ?? differentWeight(steps) ?? differentMemory(steps);
}

function differentLoss({ expected, found }: Steps): string | undefined {
  const { loss: wanted = Number.NaN } = resolveMetrics(expected.metrics);
  const { loss = Number.NaN } = resolveMetrics(found.metrics);
  if (Math.abs(loss - wanted) <= lossTolerance * Math.max(1, Math.abs(wanted))) return undefined;
  return `a loss of ${loss} where tfjs computes ${wanted}`;
}

function differentWeight(steps: Steps): string | undefined {
  const { before, expected, found, trained } = steps;
  const moved = new Map([...before].map(([name, tensor]) => [name, farthest(tensor, expected.weights.get(name))]));
  const most = Math.max(0, ...[...trained].map((name) => moved.get(name) ?? 0));
  const { tolerance, counts } = strictness(steps);
  for (const [name, { data: wanted }] of expected.weights) {
    const own = moved.get(name) ?? 0;
    const scale = trained.has(name) ? Math.max(own, leastMovement * most) : own;
    const values = found.weights.get(name)?.data ?? [];
    for (const [index, value] of wanted.entries()) {
      const off = Math.abs((values[index] ?? Number.NaN) - value);
      if (off <= tolerance * scale + rounding * Math.abs(value) || !counts(name, index)) continue;
      return `${values[index]} as weight "${name}"[${index}] where tfjs computes ${value}, in a step that moves it by up to ${own}`;
    }
  }
  return undefined;
}

/** What the optimizer remembers, by the largest number of its kind: Adam's weights alone would not show gradients of another size. */
function differentMemory({ expected, found }: Steps): string | undefined {
  const most = new Map<string, number>();
  for (const [name, tensor] of expected.optimizer) {
    most.set(kindOf(name), Math.max(most.get(kindOf(name)) ?? 0, farthest(tensor, undefined)));
  }
  for (const [name, { data: wanted }] of expected.optimizer) {
    const values = found.optimizer.get(name)?.data ?? [];
    const allowed = memoryTolerance * (most.get(kindOf(name)) ?? 0);
    const wrong = wanted.findIndex((value, index) => !(Math.abs((values[index] ?? Number.NaN) - value) <= allowed));
    if (wrong !== -1) return `${values[wrong]} as "${name}"[${wrong}] where tfjs computes ${wanted[wrong]}`;
  }
  return undefined;
}

/** The slot that a tensor of the optimizer's state belongs to: `optimizer/<slot>/<weight>`. */
function kindOf(name: string): string {
  return name.split("/")[1] ?? name;
}

interface Strictness {
  readonly tolerance: number;
  /** Whether an element says anything. */
  readonly counts: (weight: string, index: number) => boolean;
}

function strictness({ config, expected: { optimizer } }: Steps): Strictness {
  const { className } = readOptimizer(config);
  if (className !== "Adam" && className !== "Adamax") return { tolerance: usualTolerance, counts: () => true };
  // After one step it is the gradient, but for a factor.
  const [firstMoment = ""] = memoryOf(config).slots;
  const prefix = slotKey(firstMoment, "");
  const moments = [...optimizer].filter(([name]) => name.startsWith(prefix));
  const least = leastGradient * Math.max(0, ...moments.map(([, tensor]) => farthest(tensor, undefined)));
  const counts = (weight: string, index: number): boolean => {
    const moment = optimizer.get(slotKey(firstMoment, weight))?.data[index];
    return moment === undefined || Math.abs(moment) >= least;
  };
  return { tolerance: adamTolerance, counts };
}

/** The largest difference of two elements; from zero without another tensor. */
function farthest({ data }: Tensor, other: Tensor | undefined): number {
  let most = 0;
  for (const [index, value] of data.entries()) most = Math.max(most, Math.abs(value - (other?.data[index] ?? 0)));
  return most;
}

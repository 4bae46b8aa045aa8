import type { GraphManifest, Variable } from "@stampede/graph/format";
import { metricOutput, stateOutput, type Feeds, type Results } from "./graph.js";
import { floatsOf } from "./tensors.js";

/** One step of a graph. */
export interface GraphStep {
  readonly manifest: GraphManifest;
  /** The state that it began with. */
  readonly before: Feeds;
  readonly after: Results;
}

/**
 * How far the movement of a tensor may be off, as a part of its length. Two graphs differ by how sums are rounded, and where that turns a
 * relu on or off, by what its unit learns from one row. Kernels that read another layout than they are given compute numbers of chance,
 * which are off by the whole length. What lies between must not be found in one executor and not in another: whether kernels are used
 * decides the bits of a result, and may not hang on the rows and weights that an executor happens to begin with.
 */
const tolerance = 0.2;
/** A tensor that hardly moves is measured by this part of how far others move: its own movement may be nothing but rounding. */
const leastMovement = 0.03;
/** Of the values themselves: the steps between float32 numbers, of which a small movement has few. */
const rounding = 2 ** -20;
const lossTolerance = 0.05;

/**
 * Compares a step of graphs with different kernels, roughly.
 * @param expected by kernels that are right
 * @param compared names of the variables whose movement tells
 * @returns what differs, for people; undefined when the kernels compute the same, or when there are no finite numbers to compare with
 */
export function whyStepsDiffer(
  expected: GraphStep,
  found: GraphStep,
  compared: (name: string) => boolean,
): string | undefined {
  const [wanted, loss] = [lossOf(expected), lossOf(found)];
  if (!Number.isFinite(wanted)) return undefined;
  if (!(Math.abs(loss - wanted) <= lossTolerance * Math.max(1, Math.abs(wanted)))) {
    return `a loss of ${loss} where the kernels of every processor compute ${wanted}`;
  }
  const { variables } = expected.manifest;
  const told = variables.filter(({ name, isWritten, dtype }) => isWritten && dtype === "float32" && compared(name));
  const movements = told.map((variable) => movementOf(variable, expected, found));
  const least = leastMovement * Math.max(0, ...movements.map(({ own }) => own));
  const wrong = movements.find(
    ({ own, apart, size }) => !(apart <= tolerance * Math.max(own, least) + rounding * size),
  );
  if (wrong === undefined) return undefined;
  return `another step of "${wrong.name}" than the kernels of every processor make: ${wrong.apart} apart where it moves by ${wrong.own}`;
}

/** Metrics say no more than it, and an accuracy of two rows may be another one by rounding alone. */
function lossOf({ manifest: { outputs }, after }: GraphStep): number {
  return floatsOf(after[metricOutput(outputs.indexOf("loss"))])[0] ?? Number.NaN;
}

interface Movement {
  readonly name: string;
  /** Roots of the mean square: of how far elements move, of how far they lie apart, and of what they are. */
  readonly own: number;
  readonly apart: number;
  readonly size: number;
}

function movementOf({ name, input }: Variable, expected: GraphStep, found: GraphStep): Movement {
  // Graphs number their variables as they come upon them.
  const other = found.manifest.variables.find((variable) => variable.name === name)?.input ?? input;
  const before = floatsOf(expected.before[input]);
  const wanted = floatsOf(expected.after[stateOutput(input)]);
  const values = floatsOf(found.after[stateOutput(other)]);
  let [own, apart, size] = [0, 0, 0];
  for (const [index, value] of wanted.entries()) {
    own += (value - (before[index] ?? 0)) ** 2;
    apart += (value - (values[index] ?? Number.NaN)) ** 2;
    size += value ** 2;
  }
  const rootOfMean = (sum: number): number => Math.sqrt(sum / Math.max(1, wanted.length));
  return { name, own: rootOfMean(own), apart: rootOfMean(apart), size: rootOfMean(size) };
}

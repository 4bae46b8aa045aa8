import {
  deriveKey,
  isStampedeError,
  resolveMetrics,
  type Block,
  type ModelDefinition,
  type NamedTensors,
  type PartitionData,
  type TrainRequest,
} from "@stampede/core";
import type { CustomFunctions } from "../config/custom.js";
import { usesClass } from "../model/topology.js";
import { GraphData } from "./data.js";
import { differenceOf, type StepOutcome } from "./compare-steps.js";
import type { GraphCompiler } from "./graph-compiler.js";
import { referenceStep } from "./reference-step.js";
import { CompiledSession } from "./session.js";

export interface GraphCheck {
  readonly compiler: GraphCompiler;
  readonly definition: ModelDefinition;
  readonly custom?: CustomFunctions | undefined;
  /** Rows of the job's data, of which the first few are used. */
  readonly rows: PartitionData;
  /** That the step begins with. */
  readonly weights: NamedTensors;
  /** Of training one row. */
  readonly flopsPerRow: number;
  /** Of the graphs to check; undefined stands for the one that every processor runs. Others must be this processor's. */
  readonly blocks: readonly (Block | undefined)[];
}

export type Verdict =
  | {
      readonly ok: true;
      /** How many rows were tried; 0 where tfjs would take too long for the smallest batch, or cannot make the step at all. */
      readonly rows: number;
    }
  | { readonly ok: false; readonly reason: string };

/** The statistics of a batch of one row are degenerate, and more than these find nothing new. */
const fewestRows = 2;
const mostRows = 8;
/** What the reference may take, usually and at most. */
const usualSeconds = 0.3;
const mostSeconds = 3;
/** Floating-point operations that tfjs' CPU backend makes in a second, measured. */
const denseRate = 400e6;
const convolutionRate = 30e6;
/** Whatever the batch: the optimizer's arithmetic and the comparison, with Adam. */
const secondsPerWeight = 0.6e-6;

/**
 * Makes one step on real rows with graphs and with tfjs' CPU backend, which draws the same random numbers, and compares. The graphs are
 * for a small batch, so that tfjs takes a fraction of a second.
 *
 * @returns a verdict for each of the blocks
 * @throws StampedeError `model.not-traceable`, and input errors such as `data.label-out-of-range`
 */
export async function verifyGraph(check: GraphCheck): Promise<readonly Verdict[]> {
  const { compiler, definition, rows: data, blocks } = check;
  const rows = affordableRows(check);
  const same = (verdict: Verdict): readonly Verdict[] => blocks.map(() => verdict);
  if (rows === 0) return same({ ok: true, rows });
  const request: TrainRequest = {
    data,
    order: Uint32Array.from({ length: rows }, (_, row) => row),
    batchSize: rows,
    fromBatch: 0,
    toBatch: 1,
    randomKey: deriveKey("verify"),
  };
  const found: (StepOutcome | Failure)[] = [];
  for (const block of blocks) found.push(await settled(compiledStep(check, request, block)));
  const broken = (step: StepOutcome | Failure): boolean => isFailure(step) && !step.isNumeric;
  // tfjs' step need not be made where no graph runs.
  if (found.every(broken)) return found.map((step) => judge(check, undefined, step, rows));
  const { fields } = new GraphData(data, definition, ["feature", "label"]);
  const { manifest } = compiler.compile({ kind: "train", batchSize: rows, fields });
  const expected = await settled(referenceStep({ ...check, request, manifest }));
  // Then there is nothing to compare with: tfjs cannot make the step, or nobody's numbers are finite.
  const isKnown = !isFailure(expected) && Number.isFinite(resolveMetrics(expected.metrics)["loss"]);
  return found.map((step) => judge(check, isKnown ? expected : undefined, step, rows));
}

function judge(
  { compiler, definition, ...check }: GraphCheck,
  expected: StepOutcome | undefined,
  found: StepOutcome | Failure,
  rows: number,
): Verdict {
  if (isFailure(found) && !found.isNumeric) return { ok: false, reason: `a graph that does not run: ${found.failed}` };
  if (expected === undefined) return { ok: true, rows: 0 };
  if (isFailure(found)) return { ok: false, reason: found.failed };
  const { training } = definition;
  const trained = new Set(compiler.layout.trainable.keys());
  const reason = differenceOf({ config: training.optimizer_config, trained, before: check.weights, expected, found });
  return reason === undefined ? { ok: true, rows } : { ok: false, reason };
}

/** 0 where even the smallest batch takes too long. */
function affordableRows({ definition: { topology }, rows: data, flopsPerRow, weights }: GraphCheck): number {
  // In tfjs 4.22.0 the gradient of the nearest-neighbour enlargement is wrong for all rows of a batch but the first.
  const most = usesClass(topology, (name) => name === "UpSampling2D") ? 1 : Math.min(mostRows, data.rows);
  const rate = usesClass(topology, (name) => name.includes("Conv")) ? convolutionRate : denseRate;
  const usual = Math.floor((usualSeconds * rate) / flopsPerRow);
  const rows = Math.min(data.rows, most, Math.max(fewestRows, usual));
  const count = [...weights.values()].reduce((sum, { data: { length } }) => sum + length, 0);
  const seconds = (rows * flopsPerRow) / rate + count * secondsPerWeight;
  return seconds > mostSeconds ? 0 : rows;
}

async function compiledStep(
  { compiler, definition, weights }: GraphCheck,
  request: TrainRequest,
  block: Block | undefined,
): Promise<StepOutcome> {
  const compute = { threads: 1, spinning: false };
  const { layout } = compiler;
  const session = new CompiledSession({ definition, graphs: compiler, compute, block, layout });
  try {
    await session.load(weights);
    const { batches } = await session.train(request);
    return { ...(await session.save()), metrics: batches[0] ?? {} };
  } finally {
    session.close();
  }
}

interface Failure {
  readonly failed: string;
  /** Numbers that are not finite, which may be right. */
  readonly isNumeric: boolean;
}

/** Failures of an engine are findings; others are the caller's. */
async function settled(step: Promise<StepOutcome>): Promise<StepOutcome | Failure> {
  try {
    return await step;
  } catch (error) {
    const failed = error instanceof Error ? error.message : String(error);
    const isNumeric = isStampedeError(error) && error.code === "training.non-finite";
    const codes = ["training.non-finite", "engine.failed", "graph.invalid"];
    if (isStampedeError(error) && !codes.includes(error.code)) throw error;
    return { failed, isNumeric };
  }
}

function isFailure(step: StepOutcome | Failure): step is Failure {
  return "failed" in step;
}

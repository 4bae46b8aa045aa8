import { tensorOf, type MetricStates, type ModelDefinition, type RowRange, type Tensor } from "@stampede/core";
import { EvaluationSums } from "../engine/evaluation-sums.js";
import type { GraphData } from "./data.js";
import { plainOutput, type Feeds, type LoadedGraph } from "./graph.js";
import { floatsOf } from "./tensors.js";

type Rows = Omit<RowRange, "data">;

/** What an evaluation graph calls what it computes. */
export const judgedNames = {
  loss: (output: number): string => `loss/${output}`,
  metric: (index: number): string => `metric/${index}`,
  predictions: (output: number): string => `predictions/${output}`,
} as const;

/** Runs an evaluation graph piece by piece and adds up what it says of single samples. */
export async function evaluateRows(
  graph: LoadedGraph,
  data: GraphData,
  state: Feeds,
  range: Rows,
  definition: ModelDefinition,
): Promise<MetricStates> {
  const sums = new EvaluationSums(definition);
  const places = new Map(graph.manifest.outputs.map((name, index) => [name, plainOutput(index)]));
  for (const { from, to } of spans(range)) {
    const results = await graph.run({ ...state, ...data.feeds(from, to) });
    const values = (name: string): Float32Array => floatsOf(results[places.get(name) ?? ""]);
    sums.add({
      rows: to - from,
      loss: (output) => values(judgedNames.loss(output)),
      metric: (index) => values(judgedNames.metric(index)),
      labels: (output) => data.labels(output, from, to),
      predictions: (output) => values(judgedNames.predictions(output)),
    });
  }
  return sums.states();
}

/** Runs a prediction graph, which holds its weights, piece by piece. */
export async function predictRows(graph: LoadedGraph, data: GraphData, range: Rows): Promise<readonly Tensor[]> {
  const rows = range.toRow - range.fromRow;
  const whole: { values: Float32Array; shape: readonly number[]; at: number }[] = [];
  for (const { from, to } of spans(range)) {
    const results = await graph.run(data.feeds(from, to));
    for (const index of graph.manifest.outputs.keys()) {
      const part = results[plainOutput(index)];
      const values = floatsOf(part);
      const shape = part?.dims.slice(1) ?? [];
      whole[index] ??= { values: new Float32Array((values.length / (to - from)) * rows), shape, at: 0 };
      whole[index].values.set(values, whole[index].at);
      whole[index].at += values.length;
    }
  }
  return whole.map(({ values, shape }) => tensorOf(values, [rows, ...shape]));
}

/** Predictions for no rows. */
export function emptyPredictions({ outputs }: ModelDefinition): readonly Tensor[] {
  return outputs.map(({ shape }) => tensorOf(new Float32Array(), [0, ...shape.map((extent) => extent ?? 0)]));
}

function* spans({ fromRow, toRow, batchSize }: Rows): Generator<{ readonly from: number; readonly to: number }> {
  for (let from = fromRow; from < toRow; from += batchSize) yield { from, to: Math.min(toRow, from + batchSize) };
}

import { tensorOf, type Tensor } from "@stampede/core";
import { inferenceBatchSize } from "./evaluate-task.js";
import { readWeights } from "../store/round-store.js";
import { commitOutput } from "./output.js";
import { splitTensors } from "../round-tensors.js";
import { inPieces, type TaskContext } from "./task-context.js";

/** Predicts one partition; every prediction carries the number of the row it belongs to. */
export async function runPredictTask(context: TaskContext): Promise<void> {
  const { task, spec, existing, deps, residents } = context;
  const { job, stage, partition, attempt } = task;
  const { tensors } = await readWeights(deps.store, job, stage.round);
  const data = await residents.partition(spec.dataset, partition);
  const session = await residents.session(spec);

  const began = deps.clock.now();
  await session.load(splitTensors(tensors).weights);
  const pieces: (readonly Tensor[])[] = [];
  const batchSize = inferenceBatchSize;
  await inPieces(context, data.rows, { of: "rows", multipleOf: batchSize }, async (fromRow, toRow) => {
    pieces.push(await session.predict({ data, batchSize, fromRow, toRow }));
    context.heartbeat.add(toRow - fromRow);
  });
  const computeMs = Math.max(0, deps.clock.now() - began);

  const firstRow = spec.partitionRows.slice(0, partition).reduce((sum, rows) => sum + rows, 0);
  const outputs = spec.model.outputs.map(({ shape }, index) => joinRows(pieces, index, shape));
  const { encodePredictions } = await import("@stampede/data");
  const body = encodePredictions(firstRow, outputs);
  await commitOutput(task, existing, body, deps.store);
  const examples = data.rows;
  deps.events.emit({ event: "task.finished", job, stage, partition, attempt, examples, metrics: {}, computeMs });
}

/** One output's rows of all pieces, one after the other. */
function joinRows(
  pieces: readonly (readonly Tensor[])[],
  output: number,
  rowShape: readonly (number | null)[],
): Tensor {
  const parts = pieces.flatMap((piece) => piece[output] ?? []);
  const joined = new Float32Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  let at = 0;
  for (const { data } of parts) {
    joined.set(data, at);
    at += data.length;
  }
  const rows = parts.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0);
  const shape = parts[0]?.shape.slice(1) ?? rowShape.map((extent) => extent ?? 1);
  return tensorOf(joined, [rows, ...shape]);
}

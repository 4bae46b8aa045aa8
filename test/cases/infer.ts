import type { EngineSession, MetricStates, PartitionData } from "@stampede/core";
import type { Inferred } from "./case.js";

/** More than two batches, the last of them short; and a single row. */
export const ranges = [
  { fromRow: 0, toRow: 13, batchSize: 5 },
  { fromRow: 4, toRow: 5, batchSize: 5 },
] as const;
export const inferredRows = 13;

export async function infer(session: EngineSession, data: PartitionData): Promise<Inferred> {
  const metrics: MetricStates[] = [];
  const outputs: number[][] = [];
  const shapes: number[] = [];
  for (const range of ranges) {
    metrics.push(await session.evaluate({ data, ...range }));
    for (const [index, { shape, data: values }] of (await session.predict({ data, ...range })).entries()) {
      outputs[index] = [...(outputs[index] ?? []), ...values];
      shapes.push(...shape);
    }
  }
  return { metrics, outputs, shapes };
}

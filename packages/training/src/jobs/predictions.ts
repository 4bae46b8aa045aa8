import { keys, sizeOf, StampedeError, type JobSpec, type ObjectStore, type Tensor } from "@stampede/core";
import { decodePredictions } from "@stampede/data";

interface JoinedOutput {
  readonly rowShape: readonly number[];
  readonly data: Float32Array;
}

/**
 * The predictions of every row in the order of the data: one float32 tensor of shape [rows, ...] for each output.
 * @throws StampedeError `store.missing`, `store.corrupt`
 */
export async function readPredictions(store: ObjectStore, spec: JobSpec): Promise<readonly Tensor[]> {
  const rows = spec.partitionRows.reduce((sum, count) => sum + count, 0);
  const joined = new Map<number, JoinedOutput>();
  for (let partition = 0; partition < spec.partitions; partition += 1) {
    const key = keys.output(spec.job, { kind: "predict", round: 0 }, partition);
    const object = await store.get(key);
    if (object === undefined) throw missingOutput(key);
    const { firstRow, outputs } = decodePredictions(object.body, key);
    for (const [index, { shape, data }] of outputs.entries()) {
      const rowShape = shape.slice(1);
      const width = sizeOf(rowShape);
      const output = joined.get(index) ?? { rowShape, data: new Float32Array(rows * width) };
      // Placed by the rows' own numbers, so that no prediction can be taken for another row's.
      output.data.set(data, firstRow * width);
      joined.set(index, output);
    }
  }
  return [...joined.values()].map(({ rowShape, data }) => ({ dtype: "float32", shape: [rows, ...rowShape], data }));
}

function missingOutput(key: string): StampedeError {
  return new StampedeError("store.missing", `Expected predictions in ${key}, found none.`, { details: { key } });
}

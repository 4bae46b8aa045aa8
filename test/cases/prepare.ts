import type { Field, PartitionData } from "@stampede/core";
import { defineModel } from "@stampede/runtime";
import { steps, type Case, type Prepared } from "./case.js";
import { dataOf } from "./data.js";
import { initialWeights } from "./initial-weights.js";

export function prepare(each: Case): Prepared {
  const { batchSize = 8, extraRows = 0, gradients } = each;
  const model = each.build();
  try {
    const { definition, weights, custom } = defineModel(model, { allowCustom: true });
    const training = { ...definition.training, ...(gradients && { gradients }) };
    return {
      case: each,
      definition: { ...definition, training },
      custom,
      weights: initialWeights(weights),
      data: dataOf(each, batchSize * steps + extraRows),
      batchSize,
      batches: steps + (extraRows > 0 ? 1 : 0),
      randomKey: 11,
    };
  } finally {
    model.dispose();
  }
}

export function rowsInOrder({ rows }: PartitionData): Uint32Array {
  return Uint32Array.from({ length: rows }, (_, row) => row);
}

export function fieldsOf({ fields }: PartitionData): readonly Field[] {
  return fields.map(({ field }) => field);
}

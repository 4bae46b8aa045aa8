import {
  CompiledRecord,
  decodeTensorRecord,
  encodeTensorRecord,
  GraphName,
  isStampedeError,
  keys,
  tensorOf,
  type ObjectStore,
  type Tensor,
} from "@stampede/core";
import type { PlanCache } from "@stampede/runtime";

/** Compiled graphs in the store, under what they follow from. A damaged entry is as good as none: the model is compiled again. */
export function storedPlans(store: ObjectStore): PlanCache {
  return {
    async get(key) {
      const at = keys.compiled(key);
      const object = await store.get(at);
      if (object === undefined) return undefined;
      try {
        const { record, tensors } = decodeTensorRecord(CompiledRecord, object.body, at);
        const graphs = [...tensors].flatMap(([name, { data }]): [GraphName, Uint8Array][] =>
          data instanceof Uint8Array ? [[GraphName.parse(name), data]] : [],
        );
        const { flopsPerBatch, reason } = record;
        return { graphs: new Map(graphs), flopsPerBatch, ...(reason !== undefined && { reason }) };
      } catch (error) {
        if (isStampedeError(error)) return undefined;
        throw error;
      }
    },

    async put(key, { graphs, flopsPerBatch, reason }) {
      const tensors = [...graphs].map(([name, bytes]): [string, Tensor] => [name, tensorOf(bytes, [bytes.length])]);
      // Whoever was first has stored the same.
      await store.create(
        keys.compiled(key),
        encodeTensorRecord(
          CompiledRecord,
          { version: 1, flopsPerBatch, ...(reason !== undefined && { reason }) },
          new Map(tensors),
        ),
      );
    },
  };
}

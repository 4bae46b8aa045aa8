import { isDamage, type JobId, type NamedTensors } from "@stampede/core";
import { readWeights, splitTensors } from "@stampede/training";
import type { Ledger } from "./ledger.js";

/**
 * The weights that a round came to, in one object or in slices, as they were written: what has decayed since is whole here. None where what
 * was written contradicts itself.
 */
export async function weightsIn({ writes }: Ledger, job: JobId, round: number): Promise<NamedTensors> {
  const written = {
    get: (key: string) => Promise.resolve(writes.find((write) => write.key === key && write.kind === "create")),
  };
  try {
    return splitTensors((await readWeights(written, job, round)).tensors).weights;
  } catch (error) {
    if (isDamage(error)) return new Map();
    throw error;
  }
}

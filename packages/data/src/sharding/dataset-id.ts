import { DatasetId, sha256Hex } from "@stampede/core";
import type { ShardSettings } from "./request.js";

/** Changes whenever the same input would be laid out otherwise; data sets of other versions are then not found. */
const layoutVersion = 1;

/** The content address: a hash over everything that the partition files follow from. */
export function datasetIdOf(identity: unknown, request: ShardSettings, part: "train" | "validation"): DatasetId {
  const { partitions, order, seed = 0, validationSplit, preprocessing } = request;
  const facts = {
    layoutVersion,
    source: identity,
    partitions,
    order,
    seed: order === "shuffled" ? seed : undefined,
    split: validationSplit === undefined ? undefined : { fraction: validationSplit, part },
    preprocessing,
  };
  return DatasetId.parse(sha256Hex(new TextEncoder().encode(canonicalJson(facts))));
}

/** JSON with sorted keys and without undefined ones: equal for values that mean the same. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

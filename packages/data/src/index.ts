export { loadManifest, loadPartition } from "./load.js";
export { decodePredictions, encodePredictions, type Predictions } from "./predictions.js";
export { shardDataset } from "./sharding/shard-dataset.js";
export type { ShardDeps, ShardedSet, ShardOutcome, ShardRequest } from "./sharding/request.js";
export {
  memorySource,
  type MemoryDataset,
  type MemoryOptions,
  type MemorySourceInput,
  type NestedNumbers,
} from "./sources/memory-source.js";

export type { FileAccess } from "./files/data-file.js";
export { parseUploadUri, uploadedFiles } from "./files/uploaded-files.js";
export { hashCuts, countCuts } from "./fan-out/cuts.js";
export { partGroups, runCount } from "./fan-out/layout.js";
export type { ShardFact } from "./fan-out/run-step.js";
export type { Sharding, ShardingWish, ShardStepDeps } from "./fan-out/sharding.js";
export { loadManifest, loadPartition } from "./load.js";
export { describeSharding, runShardStep, shardDataset } from "./on-demand.js";
export { predictionChunks, type PredictionFormat } from "./prediction-text.js";
export { decodePredictions, encodePredictions, type Predictions } from "./predictions.js";
export { findStored, markUse, outcomeOf } from "./sharding/stored-sets.js";
export type { ShardDeps, ShardedSet, ShardOutcome, ShardRequest } from "./sharding/request.js";
export {
  memorySource,
  type MemoryDataset,
  type MemoryOptions,
  type MemorySourceInput,
  type NestedNumbers,
} from "./sources/memory-source.js";

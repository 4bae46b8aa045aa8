export { cancelJob } from "./cancel.js";
export { checkFit } from "./check-fit.js";
export { checkMemory, type MemoryNeed } from "./check-memory.js";
export type { CommonDeps, DriverDeps, ExecutorDeps, ParameterServerDeps, Queues } from "./deps.js";
export { handleDriverMessage, type DriverOutcome } from "./driver.js";
export { inferenceBatchSize } from "./evaluate-task.js";
export { Executor } from "./executor.js";
export {
  commitResult,
  exists,
  listOutputs,
  readFailures,
  readHead,
  readResult,
  readRoundRecord,
  readSpec,
  readWeights,
} from "./job-store.js";
export { handleDeltaMessages } from "./parameter-server.js";
export { joinTensors, splitTensors, type RoundTensors } from "./round-tensors.js";
export { storedGraphs } from "./stored-graphs.js";
export { graphClaimsOf, submitJob, type Graphs, type JobParts } from "./submit.js";

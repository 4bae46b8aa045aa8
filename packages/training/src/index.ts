export { cancelJob } from "./cancel.js";
export { checkFit } from "./check-fit.js";
export type { CommonDeps, DriverDeps, ExecutorDeps, ParameterServerDeps, Queues } from "./deps.js";
export { handleDriverMessage, type DriverOutcome } from "./driver.js";
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
export { submitJob } from "./submit.js";

export { localCluster, type LocalCluster, type LocalClusterOptions } from "./local-cluster.js";
export { cancelJob, listJobs, showJob } from "./jobs.js";
export { evaluate, predict } from "./saved-inference.js";
export { ServerlessModel, type FitOptions, type ServerlessOptions } from "./serverless-model.js";
export { train } from "./train.js";
export type {
  Cluster,
  DatasetInput,
  InferenceRequest,
  JobDetails,
  JobSucceeded,
  JobSummary,
  ModelSource,
  PredictRequest,
  RoundHistory,
  RunOptions,
  TrainRequest,
} from "./types.js";

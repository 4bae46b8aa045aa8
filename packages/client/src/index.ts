export type { GarbageReport } from "@stampede/training";
export { awsCluster, type AwsCluster } from "./aws-cluster.js";
export type { AwsClusterOptions } from "./aws-settings.js";
export { JobStory, type SeenFacts } from "./events-from-facts.js";
export { FactsLog } from "./facts-log.js";
export { localCluster, type LocalCluster, type LocalClusterOptions } from "./local-cluster.js";
export { removeGarbage, type GarbageRequest } from "./garbage.js";
export { cancelJob, feelPulse, listJobs, showJob, type JobPulse } from "./jobs.js";
export { evaluate, predict } from "./saved-inference.js";
export { ServerlessModel, type FitOptions, type ServerlessOptions } from "./serverless-model.js";
export { train } from "./train.js";
export type {
  Cluster,
  DatasetInput,
  DeadTask,
  FailedAttempt,
  InferenceRequest,
  JobDetails,
  JobSucceeded,
  JobSummary,
  ModelSource,
  PredictRequest,
  Retry,
  RoundHistory,
  RunningTask,
  RunOptions,
  SignOfLife,
  TrainRequest,
  UnderWay,
  UnreadableRecord,
} from "./types.js";

// Whoever imports this runs jobs: what runs them here is there when a cluster is told that one follows, and starts at once.
import "@stampede/local";

export type {
  DeadTaskView as DeadTask,
  FailedAttempt,
  JobDetails,
  JobSummary,
  Retry,
  RoundHistory,
  RunningTask,
  SignOfLife,
  UnderWay,
  UnreadableRecord,
} from "@stampede/core";
export type { GarbageReport } from "@stampede/training";
export { FactsLog, JobStory, type JobPulse, type SeenFacts } from "@stampede/training/jobs";
export { awsCluster, type AwsCluster } from "./aws-cluster.js";
export type { AwsClusterOptions } from "./aws-settings.js";
export { HttpCluster, httpCluster, type HttpClusterOptions } from "./http/http-cluster.js";
export { localCluster, type LocalCluster, type LocalClusterOptions } from "./local-cluster.js";
export { removeGarbage, type GarbageRequest } from "./garbage.js";
export { cancelJob, feelPulse, listJobs, showJob } from "./jobs.js";
export { evaluate, predict } from "./saved-inference.js";
export { ServerlessModel, type FitOptions, type ServerlessOptions } from "./serverless-model.js";
export { train } from "./train.js";
export type {
  AnyCluster,
  Cluster,
  DatasetInput,
  InferenceRequest,
  JobSucceeded,
  ModelSource,
  PredictRequest,
  RunOptions,
  TrainRequest,
} from "./types.js";

/**
 * What looks after jobs and trains none: an entry of its own, because what trains loads twice as many modules. Clusters are the
 * same ones, so that a job may be run on a cluster that was opened here.
 */
export { FactsLog, JobStory, type JobPulse } from "@stampede/training/jobs";
export { awsCluster } from "./aws-cluster.js";
export { HttpCluster, httpCluster } from "./http/http-cluster.js";
export { localCluster } from "./local-cluster.js";
export { removeGarbage } from "./garbage.js";
export { cancelJob, feelPulse, listJobs, showJob } from "./jobs.js";

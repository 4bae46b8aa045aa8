export { readBeginning, readKernels } from "./beginning.js";
export { endedBadly, notResumable, summaryOf } from "./endings.js";
export { JobStory, type SeenFacts } from "./events-from-facts.js";
export { FactsLog, type LogStart } from "./facts-log.js";
export { readHistory } from "./history.js";
export { feelPulse, listJobs, showJob, type JobPulse } from "./jobs.js";
export { readPredictions } from "./predictions.js";

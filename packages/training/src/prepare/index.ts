export { engineOf, planInference, sameFields, type JobEngine } from "./plan-engine.js";
export { prepareJob, type PrepareDeps } from "./prepare-job.js";
export { initialWeightsKey, planJob, withGradients, type PreparedJob, type TrainingOrder } from "./training-job.js";
export { dataReady, largestPartition, trainingSets, type DatasetWish, type TrainingSets } from "./training-sets.js";

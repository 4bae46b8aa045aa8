export { planInferenceJob } from "./inference-job.js";
export { prepareJob, type PrepareDeps } from "./prepare-job.js";
export { initialWeightsKey, planJob, withGradients, type PreparedJob, type TrainingOrder } from "./training-job.js";
export { dataReady, trainingSets, type DatasetWish, type TrainingSets } from "./training-sets.js";

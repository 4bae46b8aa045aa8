export { changeGradients, type AnchorOf } from "./build/gradients.js";
export { compileEvaluation, compilePrediction, type EvaluationSource, type PredictionSource } from "./build/infer.js";
export type { CompiledGraph } from "./build/metadata.js";
export { compileTraining, type TrainingOptions, type TrainingSource } from "./build/train.js";
export { learningRateMark } from "./trace/recording.js";
export { DrawReplay, type DrawnNumbers, type ReplayedDraw } from "./trace/replay-draws.js";
export { loadCore, loadCpuBackend, loadLayers } from "./tfjs.js";

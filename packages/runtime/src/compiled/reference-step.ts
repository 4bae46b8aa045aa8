import { loadCore } from "@stampede/graph/tfjs";
import type { GraphManifest } from "@stampede/graph/format";
import type { ModelDefinition, NamedTensors, TrainRequest } from "@stampede/core";
import type { CustomFunctions } from "../config/custom.js";
import { onCpu } from "../engine/backend.js";
import { BatchFeed } from "../engine/batch-feed.js";
import { changedGradientsOf } from "../engine/changed-gradients.js";
import { compileModel } from "../engine/compile-model.js";
import { disposeOptimizer, saveOptimizer } from "../engine/optimizer.js";
import { trainStepOf } from "../engine/train-step.js";
import { assemble } from "../model/build-model.js";
import { functionalOf } from "../model/layers-model.js";
import { readWeights, trainableShapes, writeWeights } from "../model/weights.js";
import type { StepOutcome } from "./compare-steps.js";
import { replayTraining } from "./replay.js";

export interface Reference {
  readonly definition: ModelDefinition;
  readonly custom?: CustomFunctions | undefined;
  readonly weights: NamedTensors;
  /** Its first batch is trained. */
  readonly request: TrainRequest;
  /** Of the graph that trains the batch: tfjs draws what it draws. */
  readonly manifest: GraphManifest;
}

/** One step of tfjs itself on its CPU backend, for comparing. This thread's backend is as before when it ends. */
export async function referenceStep(reference: Reference): Promise<StepOutcome> {
  const { definition, custom } = reference;
  const model = await assemble(definition.topology);
  try {
    compileModel(model, definition, "engine", custom);
    const functional = functionalOf(model);
    const gradients = await changedGradientsOf(definition);
    const replay = await replayTraining(reference.request.randomKey);
    try {
      return onCpu(() => {
        writeWeights(loadCore(), model, reference.weights);
        gradients?.begin(functional.optimizer, functional.trainableWeights);
        replay.beginBatch(reference.manifest, 0);
        const metrics = stepOnce(reference, functional);
        const trained = [...trainableShapes(model).keys()];
        const optimizer = saveOptimizer(definition.training.optimizer_config, functional.optimizer, trained);
        return { weights: readWeights(model), optimizer, metrics };
      });
    } finally {
      replay.stop();
      gradients?.end();
      disposeOptimizer(functional.optimizer);
    }
  } finally {
    model.dispose();
  }
}

function stepOnce({ definition, request }: Reference, model: ReturnType<typeof functionalOf>): StepOutcome["metrics"] {
  const { data, order, batchSize } = request;
  const rows = order.subarray(0, batchSize);
  const inputs = new BatchFeed(data, "feature", definition);
  const labels = new BatchFeed(data, "label", definition);
  const step = trainStepOf(model, definition);
  return loadCore().tidy(() => step(inputs.next(rows), labels.next(rows), rows.length));
}

import {
  deriveKey,
  isStampedeError,
  StampedeError,
  tensorOf,
  type EngineSession,
  type MetricStates,
  type ModelDefinition,
  type NamedTensors,
  type RowRange,
  type Tensor,
  type TrainOutcome,
  type TrainRequest,
} from "@stampede/core";
import type * as Tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { assemble } from "../model/build-model.js";
import type { CustomFunctions } from "../config/custom.js";
import { refuseUntrainable } from "../model/define-model.js";
import { functionalOf } from "../model/layers-model.js";
import { readWeights, refuseNothingToTrain, trainableShapes, writeWeights } from "../model/weights.js";
import { isOutOfMemory, outOfMemory } from "../out-of-memory.js";
import { withSeededRandom } from "../seeded-random.js";
import { isRunningOn, type TfjsEngineName } from "./backend.js";
import { BatchFeed } from "./batch-feed.js";
import { changedGradientsOf, type ChangedGradients } from "./changed-gradients.js";
import { compileModel } from "./compile-model.js";
import { Evaluation } from "./evaluation.js";
import { refuseNonFinite } from "./non-finite.js";
import { createOptimizer, disposeOptimizer, loadOptimizer, saveOptimizer } from "./optimizer.js";
import { tf } from "./tfjs.js";
import { trainStepOf, type TrainStep } from "./train-step.js";

/**
 * @param custom the user's own losses and metrics; executors have none
 * @throws StampedeError `model.unsupported`, `model.invalid`
 */
export async function openSession(
  engine: TfjsEngineName,
  definition: ModelDefinition,
  custom?: CustomFunctions,
): Promise<EngineSession> {
  const model = await assemble(definition.topology);
  try {
    refuseUntrainable(model);
    compileModel(model, definition, "engine", custom);
    return new TfjsSession(engine, model, definition, await changedGradientsOf(definition));
  } catch (error) {
    model.dispose();
    throw error;
  }
}

class TfjsSession implements EngineSession {
  readonly #engine: TfjsEngineName;
  readonly #model: LayersModel;
  readonly #functional: LayersModel;
  readonly #definition: ModelDefinition;
  readonly #step: TrainStep;
  /** Name and shape of the weights that are trained, in the order in which the optimizer sees them. */
  readonly #trainable: ReadonlyMap<string, readonly number[]>;
  readonly #gradients: ChangedGradients | undefined;
  #state: "opened" | "loaded" | "closed" = "opened";

  constructor(
    engine: TfjsEngineName,
    model: LayersModel,
    definition: ModelDefinition,
    gradients: ChangedGradients | undefined,
  ) {
    this.#engine = engine;
    this.#model = model;
    this.#functional = functionalOf(model);
    this.#definition = definition;
    this.#gradients = gradients;
    this.#step = trainStepOf(this.#functional, definition);
    this.#trainable = trainableShapes(model);
  }

  load(weights: NamedTensors, optimizer?: NamedTensors): Promise<void> {
    return this.#run("load", () => {
      const config = this.#definition.training.optimizer_config;
      const fresh = createOptimizer(config);
      try {
        if (optimizer !== undefined && optimizer.size > 0) loadOptimizer(config, fresh, this.#trainable, optimizer);
        writeWeights(tf, this.#model, weights);
      } catch (error) {
        disposeOptimizer(fresh);
        throw error;
      }
      disposeOptimizer(this.#functional.optimizer);
      this.#functional.optimizer = fresh;
      this.#gradients?.begin(fresh, this.#functional.trainableWeights);
      this.#state = "loaded";
    });
  }

  train({ data, order, batchSize, fromBatch, toBatch, randomKey }: TrainRequest): Promise<TrainOutcome> {
    return this.#run("train", () => {
      refuseNothingToTrain(this.#trainable);
      const inputs = new BatchFeed(data, "feature", this.#definition);
      const labels = new BatchFeed(data, "label", this.#definition);
      const batches: MetricStates[] = [];
      let examples = 0;
      for (let batch = fromBatch; batch < toBatch && batch * batchSize < order.length; batch += 1) {
        const rows = order.subarray(batch * batchSize, (batch + 1) * batchSize);
        const states = tf.tidy(() =>
          withSeededRandom(deriveKey(randomKey, batch), () =>
            this.#step(inputs.next(rows), labels.next(rows), rows.length),
          ),
        );
        refuseNonFinite([states], batch, "The batch is lost");
        batches.push(states);
        examples += rows.length;
      }
      return { examples, batches };
    });
  }

  evaluate({ data, batchSize, fromRow, toRow }: RowRange): Promise<MetricStates> {
    return this.#run("evaluate", () => {
      const inputs = new BatchFeed(data, "feature", this.#definition);
      const labels = new BatchFeed(data, "label", this.#definition);
      const evaluation = new Evaluation(this.#functional, this.#definition);
      for (const rows of spans(fromRow, toRow, batchSize)) {
        tf.tidy(() => {
          const predictions = this.#predictions(inputs, rows);
          const judged = labels.next(rows).map(({ tensor, values }, index) => {
            const prediction = predictions[index];
            if (prediction === undefined) throw new StampedeError("engine.failed", `The model has no output ${index}.`);
            return { labels: tensor, labelValues: values, predictions: prediction };
          });
          evaluation.add(judged, rows.to - rows.from);
        });
      }
      return evaluation.states();
    });
  }

  predict({ data, batchSize, fromRow, toRow }: RowRange): Promise<readonly Tensor[]> {
    return this.#run("predict", () => {
      const inputs = new BatchFeed(data, "feature", this.#definition);
      const parts = this.#definition.outputs.map((): Float32Array[] => []);
      const shapes = this.#definition.outputs.map(({ shape }) => shape.map((extent) => extent ?? 0));
      for (const rows of spans(fromRow, toRow, batchSize)) {
        tf.tidy(() => {
          for (const [output, prediction] of this.#predictions(inputs, rows).entries()) {
            // A copy: on the CPU backend the values may be the buffer that the next batch is written to.
            parts[output]?.push(Float32Array.from(prediction.dataSync()));
            shapes[output] = prediction.shape.slice(1);
          }
        });
      }
      const rows = Math.max(0, toRow - fromRow);
      return parts.map((values, output) => tensorOf(joined(values), [rows, ...(shapes[output] ?? [])]));
    });
  }

  save(): Promise<{ readonly weights: NamedTensors; readonly optimizer: NamedTensors }> {
    return this.#run("save", () => ({
      weights: readWeights(this.#model),
      optimizer: saveOptimizer(this.#definition.training.optimizer_config, this.#functional.optimizer, [
        ...this.#trainable.keys(),
      ]),
    }));
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#gradients?.end();
    disposeOptimizer(this.#functional.optimizer);
    this.#model.dispose();
  }

  #predictions(inputs: BatchFeed, rows: { readonly from: number; readonly to: number }): Tf.Tensor[] {
    const tensors = inputs.next(rows).map(({ tensor }) => tensor);
    return [this.#functional.predictOnBatch(tensors)].flat();
  }

  /** Synchronous work as a promise, with foreign errors under a code of ours. */
  async #run<T>(what: "load" | "train" | "evaluate" | "predict" | "save", work: () => T): Promise<T> {
    if (this.#state === "closed" || (this.#state === "opened" && what !== "load")) {
      const found = this.#state === "closed" ? "it is closed" : "no weights are loaded";
      throw new StampedeError("engine.failed", `Expected a loaded session to ${what}, but ${found}.`);
    }
    if (!isRunningOn(this.#engine)) {
      const message =
        `Expected this thread's tfjs to run on the engine ${this.#engine}, found that its backend was changed to ${tf.getBackend()}. ` +
        "Code that uses tfjs otherwise belongs in another thread.";
      throw new StampedeError("engine.failed", message);
    }
    try {
      return work();
    } catch (cause) {
      if (isStampedeError(cause)) throw cause;
      if (isOutOfMemory(cause)) throw outOfMemory(what, cause);
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new StampedeError("engine.failed", `${this.#engine} could not ${what}: ${reason}`, { cause });
    }
  }
}

function* spans(fromRow: number, toRow: number, batchSize: number): Generator<{ from: number; to: number }> {
  for (let from = fromRow; from < toRow; from += batchSize) yield { from, to: Math.min(toRow, from + batchSize) };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

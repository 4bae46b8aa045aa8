import { StampedeError, type GradientSettings, type ModelDefinition } from "@stampede/core";
import type { changeGradients } from "@stampede/graph";
import type * as Tf from "@tensorflow/tfjs-core";
import type { LayerVariable } from "@tensorflow/tfjs-layers";
import { tf } from "./tfjs.js";

/** The tracer's package holds the one way in which gradients are changed; few models need it. */
export async function changedGradientsOf({ training }: ModelDefinition): Promise<ChangedGradients | undefined> {
  if (training.gradients === undefined) return undefined;
  const { changeGradients: change } = await import("@stampede/graph");
  return new ChangedGradients(training.gradients, change);
}

/** What a session does to gradients. Its proximal term keeps weights near those that were loaded. */
export class ChangedGradients {
  readonly #settings: GradientSettings;
  readonly #change: typeof changeGradients;
  readonly #anchors = new Map<Tf.Tensor, Tf.Tensor>();

  constructor(settings: GradientSettings, change: typeof changeGradients) {
    this.#settings = settings;
    this.#change = change;
  }

  /** Weights have been loaded: the round begins. */
  begin(optimizer: Tf.Optimizer, trainable: readonly LayerVariable[]): void {
    this.end();
    if (this.#settings.proximal !== undefined) {
      for (const weight of trainable) this.#anchors.set(weight.read(), tf.keep(tf.clone(weight.read())));
    }
    // Never taken back: the optimizer goes with the next load.
    this.#change(optimizer, this.#settings, (variable) => {
      const anchor = this.#anchors.get(variable);
      if (anchor === undefined) throw new StampedeError("engine.failed", `No anchor for ${variable.name}.`);
      return anchor;
    });
  }

  end(): void {
    for (const anchor of this.#anchors.values()) anchor.dispose();
    this.#anchors.clear();
  }
}

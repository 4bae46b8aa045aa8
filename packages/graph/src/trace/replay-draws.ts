import { sizeOf, uniformStream } from "@stampede/core";
import type { BackendValues, DataType, KernelBackend } from "@tensorflow/tfjs-core";
import type { Distribution } from "../format/manifest.js";
import { loadCore, loadCpuBackend } from "../tfjs.js";
import { distributions, fitLine } from "./random-draws.js";
import { untraceable } from "./untraceable.js";

/** One random tensor that tfjs is about to draw. */
export interface ReplayedDraw {
  /** Its place among the draws of its step; the same that it has in a graph of the step. */
  readonly index: number;
  readonly distribution: Distribution;
  readonly size: number;
}

/** @returns `size` numbers of the standard distribution: in [0, 1), or with mean 0 and deviation 1 */
export type DrawnNumbers = (draw: ReplayedDraw) => ArrayLike<number>;

/** tfjs' CPU backend, drawing given numbers in place of its own. */
export class DrawReplay {
  readonly #numbers: DrawnNumbers;
  readonly #backend: KernelBackend;
  readonly #random = Math.random;
  readonly #stream = uniformStream(0);
  #seeds: number[] = [];
  #drawn = 0;

  /**
   * Random operations without a seed of their own are replaced until `stop`, in the whole thread. It is for comparing: with the numbers
   * that a graph draws, tfjs computes what the graph computes.
   */
  constructor(numbers: DrawnNumbers) {
    this.#numbers = numbers;
    loadCpuBackend();
    const backend = loadCore().findBackend("cpu");
    if (backend === null) throw new Error("tfjs' CPU backend is missing");
    this.#backend = backend;
    this.#start();
  }

  /** Draws are counted from here. */
  beginStep(): void {
    this.#drawn = 0;
  }

  stop(): void {
    Math.random = this.#random;
    // The hook is the backend's own property and hides the method of its class.
    Reflect.deleteProperty(this.#backend, "write");
  }

  #start(): void {
    Math.random = () => {
      const seed = this.#stream();
      this.#seeds.push(seed);
      return seed;
    };
    const write = this.#backend.write.bind(this.#backend);
    this.#backend.write = (values, shape, dtype) => write(this.#replaced(values, shape, dtype), shape, dtype);
  }

  /** tfjs asks Math.random for a seed, draws, and writes what it has drawn: the first write after a seed is random. */
  #replaced(values: BackendValues, shape: readonly number[], dtype: DataType): BackendValues {
    const [seed] = this.#seeds;
    if (seed === undefined) return values;
    this.#seeds = [];
    const scope: unknown = Reflect.get(loadCore().engine().state.activeScope ?? {}, "name");
    const distribution = distributions.get(typeof scope === "string" ? scope : "");
    const size = sizeOf(shape);
    const numbers = Float32Array.from(values, Number);
    const line = distribution && fitLine(standard(distribution, size, seed), numbers);
    if (distribution === undefined || line === undefined || dtype !== "float32") {
      throw untraceable("random", `random numbers of ${String(scope)}, which cannot be replayed`);
    }
    const draw = { index: this.#drawn, distribution, size };
    this.#drawn += 1;
    // In float32, as the graph does it.
    const [scale, shift] = [Math.fround(line.scale), Math.fround(line.shift)];
    const scaled = Float32Array.from(this.#numbers(draw), (value) => value * scale);
    return scaled.map((value) => value + shift);
  }
}

/** What tfjs draws from a seed with standard parameters. */
function standard(distribution: Distribution, size: number, seed: number): ArrayLike<number> {
  const tf = loadCore();
  return tf.tidy(() => {
    switch (distribution) {
      case "uniform":
        return tf.randomUniform([size], 0, 1, "float32", seed).dataSync();
      case "normal":
        return tf.randomNormal([size], 0, 1, "float32", seed).dataSync();
      case "truncatedNormal":
        return tf.truncatedNormal([size], 0, 1, "float32", seed).dataSync();
    }
  });
}

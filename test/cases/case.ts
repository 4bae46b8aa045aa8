import type {
  Field,
  GradientSettings,
  MetricStates,
  ModelDefinition,
  NamedTensors,
  PartitionData,
} from "@stampede/core";
import type { CustomFunctions, GraphCompiler } from "@stampede/runtime";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";

export type Layers = NonNullable<tfl.SequentialArgs["layers"]>;
export type Layer = Layers[number];
export type Column = PartitionData["fields"][number];
/** Makes the values of one field; `key` keeps fields apart. */
export type Maker = (name: Pick<Field, "name" | "role">, rows: number, key: number) => Column;

/** One model whose training by the compiled engine is compared with tfjs' own. */
export interface Case {
  /** Unique among all cases; the row of the README's table. */
  readonly name: string;
  readonly build: () => tfl.LayersModel;
  readonly x: readonly Maker[];
  readonly y: readonly Maker[];
  /** @default 8 */
  readonly batchSize?: number;
  /** Of the training data, beside ten full batches: they become a short last one. @default 0 */
  readonly extraRows?: number;
  readonly gradients?: GradientSettings;
  /** Largest difference of a weight, as part of the largest movement of one. @default `usualBound` */
  readonly bound?: number;
  /**
   * Weights that the loss does not depend on, and what follows from them: their gradient is nothing but rounding, which Adam scales to
   * full steps. They are not compared.
   */
  readonly undetermined?: readonly string[];
  /** tfjs' CPU kernels that are wrong, with right ones that the reference uses in their place. */
  readonly corrected?: Readonly<Record<string, tf.KernelFunc>>;
  /** @default tfjs' own train function, with the random numbers that the graph draws */
  readonly reference?: Reference;
}

/** A case with its model, weights and data made. */
export interface Prepared {
  readonly case: Case;
  readonly definition: ModelDefinition;
  readonly custom: CustomFunctions | undefined;
  readonly weights: NamedTensors;
  readonly data: PartitionData;
  readonly batchSize: number;
  readonly batches: number;
  readonly randomKey: number;
}

/** What the steps have made. */
export interface Trained {
  readonly weights: NamedTensors;
  readonly optimizer: NamedTensors;
  readonly batches: readonly MetricStates[];
}

/** What is said of rows in several ways of asking. */
export interface Inferred {
  readonly metrics: readonly MetricStates[];
  /** All predictions, output by output. */
  readonly outputs: readonly (readonly number[])[];
  readonly shapes: readonly number[];
}

/** What the compiled engine is compared with. */
export interface Reference {
  /** @param compiler knows which random numbers the graphs draw */
  readonly train: (prepared: Prepared, compiler: GraphCompiler) => Promise<Trained>;
  readonly infer: (prepared: Prepared, weights: NamedTensors, data: PartitionData) => Promise<Inferred>;
}

export const steps = 10;
export const usualBound = 1e-5;
/** For weights that Adam moves: it divides a gradient by its own size, and among many weights some gradients are mostly rounding. */
export const adaptiveBound = 1e-2;

type More = Partial<Omit<Case, "name" | "build" | "x" | "y">>;
/** What a model is compiled with, and what is special about a case. */
export interface Settings extends More {
  readonly loss: tfl.ModelCompileArgs["loss"];
  /** tfjs takes a list for an output as well, which its types do not know. */
  readonly metrics?: tfl.ModelCompileArgs["metrics"] | Readonly<Record<string, string | readonly string[]>>;
  /** @default SGD with the rate 0.2 */
  readonly optimizer?: () => tf.Optimizer;
}

const plainSgd = (): tf.Optimizer => tf.train.sgd(0.2);

/** A case of layers one after the other. */
export function sequentialCase(
  name: string,
  layers: () => Layers,
  [x, y]: readonly [Maker, Maker],
  settings: Settings,
): Case {
  return functionalCase(name, () => tfl.sequential({ layers: layers() }), [[x], [y]], settings);
}

/** A case of any model; columns are given in the order of its inputs and outputs. */
export function functionalCase(
  name: string,
  build: () => tfl.LayersModel,
  [x, y]: readonly [readonly Maker[], readonly Maker[]],
  { optimizer = plainSgd, loss, metrics, ...more }: Settings,
): Case {
  const compiled = (): tfl.LayersModel => {
    const model = build();
    const args: tfl.ModelCompileArgs = { optimizer: optimizer(), loss };
    if (metrics !== undefined) Reflect.set(args, "metrics", metrics);
    model.compile(args);
    return model;
  };
  return { name, build: compiled, x, y, ...more };
}

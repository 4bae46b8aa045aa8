import type { Field } from "../schema/dataset.js";
import type { MetricStates } from "../schema/metrics.js";
import type { Block, EngineName, ModelDefinition } from "../schema/model.js";
import type { NamedTensors, Tensor } from "../tensors.js";

/** A partition in memory: one tensor of shape [rows, ...field.storedShape] for each field, features first. */
export interface PartitionData {
  readonly rows: number;
  readonly fields: readonly { readonly field: Field; readonly tensor: Tensor }[];
}

export interface TrainRequest {
  readonly data: PartitionData;
  /** Rows in the order they are visited; batch i is rows order[i * batchSize] ... and the last one may be short. */
  readonly order: Uint32Array;
  readonly batchSize: number;
  /** The batches to train, half open. */
  readonly fromBatch: number;
  readonly toBatch: number;
  /** Dropout masks and noise of batch i follow from (randomKey, i) alone, so that any split into calls has the same bits. */
  readonly randomKey: number;
}
export interface TrainOutcome {
  readonly examples: number;
  /** Of the blocked kernels that computed it; left out where others did. On another block the same request has other bits. */
  readonly block?: Block;
  /** Why kernels of the processor's own were not used, where they computed something else than those of every processor. */
  readonly kernelReason?: string;
  /**
   * For each batch in order its `loss` and compiled metrics, as means over its samples. One by one, so that whoever adds them up
   * gets the same bits however the work was split into calls.
   */
  readonly batches: readonly MetricStates[];
}

export interface RowRange {
  readonly data: PartitionData;
  readonly batchSize: number;
  /** Rows fromRow ... toRow - 1 in stored order. */
  readonly fromRow: number;
  readonly toRow: number;
}

/** A compiled model, ready to run. Not shared between threads. */
export interface EngineSession {
  /**
   * Takes over weights by name and, if given, the optimizer's state; without it the optimizer starts afresh.
   * @throws StampedeError `training.incompatible-delta` when names, shapes or dtypes differ from the model's
   */
  load(weights: NamedTensors, optimizer?: NamedTensors): Promise<void>;
  /** @throws StampedeError `training.non-finite` as soon as a batch's loss is not finite */
  train(request: TrainRequest): Promise<TrainOutcome>;
  /** Loss and metrics as exactly mergeable states. */
  evaluate(range: RowRange): Promise<MetricStates>;
  /** One tensor of shape [toRow - fromRow, ...] for each output of the model. Labels in `data` are not needed. */
  predict(range: RowRange): Promise<readonly Tensor[]>;
  /** Copies of the weights in the model's order, and of the optimizer's state (possibly empty). */
  save(): Promise<{ readonly weights: NamedTensors; readonly optimizer: NamedTensors }>;
  /** Frees everything; the session MUST NOT be used afterwards. */
  close(): void;
}

/** Which graph a session needs. */
export type GraphRequest =
  | {
      readonly kind: "train";
      readonly batchSize: number;
      readonly fields: readonly Field[];
      /** Of the processor that is going to run it; left out for a graph that every processor runs. */
      readonly block?: Block | undefined;
    }
  | { readonly kind: "evaluate" | "predict"; readonly fields: readonly Field[] };

/** Where the compiled engine gets its graphs: those stored with a job, or a compiler. */
export interface GraphSource {
  /**
   * @returns the bytes of an ONNX file with Stampede's manifest. For a processor with blocks it may be the graph that all processors run,
   *   where there is none for the block: the manifest says which
   * @throws StampedeError `graph.invalid` when it is damaged or not there, `model.not-traceable` when it cannot be made
   */
  load(request: GraphRequest): Promise<Uint8Array>;
}

/** Turns a model into a session: tfjs (the reference) or a compiled graph. */
export interface Engine {
  readonly name: EngineName;
  /**
   * Names of weights MUST depend on the model alone: equal in every process that opens it.
   * @param graphs where the compiled engine takes its graphs from; other engines do not ask
   * @throws StampedeError `engine.unavailable`, `engine.failed`, `model.unsupported`
   */
  open(model: ModelDefinition, graphs?: GraphSource): Promise<EngineSession>;
}

import {
  hashTensors,
  StampedeError,
  type Engine,
  type EngineSession,
  type ErrorCode,
  type ModelDefinition,
  type NamedTensors,
  type PartitionData,
  type TrainRequest,
} from "@stampede/core";
import { expect } from "vitest";
import { inOrder } from "./engine-data.js";
import { weightsFor, type ContractModel } from "./engine-models.js";

/** One engine for the whole suite: an engine may belong to its thread. */
export interface EngineHarness {
  readonly engine: Engine;
  /** How many buffers of the engine are alive. */
  readonly liveTensors: () => number;
  /**
   * The reference: tfjs' own `LayersModel.fit` without shuffling, with the random numbers that the engine draws in batch i: for engines
   * that are tfjs on the same backend, with Math.random replaced by the stream of (randomKey, i).
   */
  readonly fit: (plain: PlainFit) => Promise<PlainOutcome>;
  /** How far weights and metrics may be from the reference's. Left out: the engine computes the reference's bits. */
  readonly tolerance?: number;
  /** The reference's `predict`, in one batch: the values of each output. */
  readonly predict: (plain: Pick<PlainFit, "definition" | "weights" | "data">) => Promise<readonly Float32Array[]>;
}

export interface PlainFit {
  readonly definition: ModelDefinition;
  readonly weights: NamedTensors;
  readonly data: PartitionData;
  readonly batchSize: number;
  readonly randomKey: number;
}

export interface PlainOutcome {
  readonly weights: NamedTensors;
  /** For each batch the values of loss and metrics, in tfjs' order. */
  readonly batches: readonly (readonly number[])[];
}

export type Harness = () => EngineHarness;

/** A session with weights loaded, closed when `use` is done. */
export async function withSession<T>(
  harness: Harness,
  model: ContractModel,
  use: (session: EngineSession, weights: NamedTensors) => Promise<T>,
): Promise<T> {
  const session = await harness().engine.open(model.definition);
  try {
    const weights = weightsFor(model);
    await session.load(weights);
    return await use(session, weights);
  } finally {
    session.close();
  }
}

/** A request for the batches from 0 to `toBatch`, by default all, in stored order. */
export function request(
  data: PartitionData,
  batchSize: number,
  changes: Partial<Omit<TrainRequest, "data" | "batchSize">> = {},
): TrainRequest {
  const batches = { fromBatch: 0, toBatch: Math.ceil(data.rows / batchSize) };
  return { data, batchSize, order: inOrder(data.rows), randomKey: 11, ...batches, ...changes };
}

/** The bits of a session's weights. */
export async function bitsOf(session: EngineSession): Promise<string> {
  return hashTensors((await session.save()).weights);
}

/** @param tolerance see `EngineHarness` */
export function expectNear(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number | undefined): void {
  const list = (values: ArrayLike<number>): number[] => Array.from(values, (value) => value);
  if (tolerance === undefined) {
    expect(list(found)).toEqual(list(expected));
    return;
  }
  expect(found.length).toBe(expected.length);
  const farthest = Math.max(...list(found).map((value, index) => Math.abs(value - (expected[index] ?? Number.NaN))));
  // NaN is not below anything.
  expect(farthest).toBeLessThanOrEqual(tolerance);
}

async function errorOf(work: Promise<unknown>): Promise<StampedeError> {
  const error: unknown = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (error instanceof StampedeError) return error;
  throw new Error(`expected a StampedeError, found ${String(error)}`);
}

export async function expectError(work: Promise<unknown>, code: ErrorCode): Promise<StampedeError> {
  const error = await errorOf(work);
  expect(error.code).toBe(code);
  return error;
}

import * as z from "zod";
import { AttemptId, JobId } from "../ids.js";
import { DatasetSpec } from "./dataset-spec.js";
import { JobFile } from "./job-file.js";
import { Block } from "./model.js";

/** What executors have to live on: one machine that they share, or a function each. */
export const ExecutorCapacity = z.strictObject({
  /** Processor cores of the machine. */
  cores: z.number().int().min(1).max(1024),
  /** Executors on it at the same time. There may be any number of machines. */
  executors: z.number().int().min(1).max(10_000),
  /** Of one executor. */
  memoryBytes: z.number().int().min(1),
  /** Of their processors' convolution kernels, where that is not known here: graphs are made for each. By default this machine's. */
  blocks: z.array(Block).max(2).optional(),
});
export type ExecutorCapacity = z.infer<typeof ExecutorCapacity>;

/** The weights that a requested model begins with, in an object of their own beside the request. */
const RequestedWeights = z.strictObject({
  bytes: z.number().int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

const { name, compile, data, training, engine } = JobFile.shape;

/**
 * A job that is to be prepared in the cloud, as it was asked for; immutable: `jobs/<job>/request.json`. The fields are those of a job
 * file, but for the model: it is data here, and no code of the user's runs where the job is prepared.
 */
export const JobRequest = z.strictObject({
  version: z.literal(1),
  job: JobId,
  /** Tells this request from any other for the same id. */
  token: AttemptId,
  createdAt: z.number().min(0),
  name,
  model: z.strictObject({
    /** tfjs' `model.json`. Its manifest, where it has one, names the weights of the object beside the request in their order. */
    json: z.record(z.string(), z.json()),
    /** Absent where they are drawn from the job's seed. */
    weights: RequestedWeights.optional(),
  }),
  compile,
  data,
  training,
  engine,
  capacity: ExecutorCapacity,
});
export type JobRequest = z.infer<typeof JobRequest>;

/** An evaluation or prediction with the model of a job that has succeeded, as it was asked for; immutable, in the same place. */
export const InferenceRequest = z.strictObject({
  version: z.literal(1),
  job: JobId,
  token: AttemptId,
  createdAt: z.number().min(0),
  name,
  kind: z.enum(["evaluate", "predict"]),
  /** The job whose model it is. */
  of: JobId,
  data: DatasetSpec,
  executors: z.number().int().min(1).max(10_000),
  capacity: ExecutorCapacity,
});
export type InferenceRequest = z.infer<typeof InferenceRequest>;

/** Whatever somebody may ask to be prepared. */
export const AnyRequest = z.union([JobRequest, InferenceRequest]);
export type AnyRequest = z.infer<typeof AnyRequest>;

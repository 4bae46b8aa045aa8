import { JobDetails, JobEvent, JobFile, JobId, JobSummary, UploadId, UploadName } from "@stampede/core";
import * as z from "zod";

/** What crosses the wire, as zod: the types of the code and the OpenAPI document both follow from it. */

const { version, name, compile, data, training, engine } = JobFile.shape;

/** A file that was uploaded: `upload://ID/NAME`. */
const UploadUri = z.string().regex(/^upload:\/\/[0-9a-f]{32}\/[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/);

/** A job file as JSON. The model is data: its JSON in place of a path. */
export const SubmitJob = z.strictObject({
  version,
  name,
  /** tfjs' `model.json`, or what Keras 2's `to_json()` writes. */
  model: z.record(z.string(), z.json()),
  /**
   * The bytes of all weight files of the model's `weightsManifest`, one after the other, as an upload. Without it the weights are drawn
   * from the job's seed.
   */
  weights: UploadUri.optional(),
  compile,
  data,
  training,
  engine,
});
export type SubmitJob = z.infer<typeof SubmitJob>;
export type SubmitJobInput = z.input<typeof SubmitJob>;

/** What evaluate and predict take. */
export const InferJob = z.strictObject({
  /** What differs from the training data, at least the files; fields and preprocessing are those of the model. */
  data: z.record(z.string(), z.json()),
  executors: z.number().int().min(1).max(10_000).default(2),
});
export type InferJob = z.infer<typeof InferJob>;

/** A job that was taken over. */
export const JobAccepted = z.strictObject({
  job: JobId,
  /** True where an earlier request with the same Idempotency-Key had submitted it. */
  replayed: z.boolean(),
});
export type JobAccepted = z.infer<typeof JobAccepted>;

export const JobList = z.strictObject({
  /** The newest first. */
  jobs: z.array(JobSummary).readonly(),
});
export type JobList = z.infer<typeof JobList>;

const Metrics = z.record(z.string(), z.number());

/** How a job ended. */
export const JobOutcome = z.strictObject({
  job: JobId,
  kind: z.enum(["train", "evaluate", "predict"]),
  status: z.enum(["succeeded", "failed", "cancelled"]),
  endedAt: z.number(),
  rounds: z.number().int().min(0),
  metrics: Metrics,
  validation: Metrics.optional(),
  weightsSha256: z.string().optional(),
  error: z.strictObject({ code: z.string(), message: z.string() }).optional(),
});
export type JobOutcome = z.infer<typeof JobOutcome>;

export const JobChanged = z.strictObject({ job: JobId });

export const StartUpload = z.strictObject({
  name: UploadName,
  /** Of the whole file. */
  bytes: z.number().int().min(1),
});
export type StartUpload = z.infer<typeof StartUpload>;

/** Where one piece of a file is to be put. */
const UploadPart = z.strictObject({
  /** From 1. */
  part: z.number().int().min(1),
  /** To be PUT there: an address of this endpoint (which wants the token), or of S3 (which must not get it). */
  url: z.string(),
  bytes: z.number().int().min(1),
});

export const Upload = z.strictObject({
  upload: UploadId,
  /** What a job's data names the file by. */
  file: UploadUri,
  /** Proves that a later request goes on with this upload. */
  session: z.string().max(2048).optional(),
  parts: z.array(UploadPart).readonly(),
  /** When the addresses expire; milliseconds since the epoch. */
  expiresAt: z.number().optional(),
});
export type Upload = z.infer<typeof Upload>;

export const CompleteUpload = z.strictObject({
  name: UploadName,
  bytes: z.number().int().min(1),
  session: z.string().max(2048).optional(),
  /** What S3 answered in the header ETag, for each part; only where there are several. */
  etags: z.array(z.string().min(1).max(200)).max(10_000).optional(),
});
export type CompleteUpload = z.infer<typeof CompleteUpload>;

export const UploadDone = z.strictObject({ upload: UploadId, file: UploadUri, bytes: z.number().int().min(1) });
export type UploadDone = z.infer<typeof UploadDone>;

export const Health = z.strictObject({ status: z.literal("ok"), version: z.string() });

/** RFC 9457. */
export const Problem = z.strictObject({
  /** `urn:stampede:error:` and the code. */
  type: z.string(),
  /** What the code means. */
  title: z.string(),
  status: z.number().int().min(400).max(599),
  /** What was expected, what was found, and what happens now. */
  detail: z.string(),
  code: z.string(),
  /** What to do. */
  remedy: z.string(),
  /** Of the request, as in the endpoint's log. */
  instance: z.string(),
});
export type Problem = z.infer<typeof Problem>;

/** The names under which the OpenAPI document shows them. */
export const namedSchemas = {
  SubmitJob,
  InferJob,
  JobAccepted,
  JobList,
  JobSummary,
  JobDetails,
  JobOutcome,
  JobChanged,
  JobEvent,
  StartUpload,
  Upload,
  CompleteUpload,
  UploadDone,
  Health,
  Problem,
} as const;

import { JobDetails, JobId, UploadId } from "@stampede/core";
import * as z from "zod";
import { operation } from "./operation.js";
import {
  CompleteUpload,
  Health,
  InferJob,
  JobAccepted,
  JobChanged,
  JobList,
  JobOutcome,
  StartUpload,
  SubmitJob,
  Upload,
  UploadDone,
} from "./schemas.js";

const job = z.object({ job: JobId });
const IdempotencyKey = z.object({
  /** The same key again, with the same body, answers with the same job. */
  "idempotency-key": z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/)
    .optional(),
});

/** A model of a thousand layers, with a hundred files of data. */
const jobBytes = 8 * 2 ** 20;
const smallBytes = 64 * 2 ** 10;

const accepted = { 202: { json: JobAccepted, what: "The job is taken over; it is prepared and run later." } } as const;
const changed = { json: JobChanged, what: "It is done, or will be at the next look." } as const;

/** Every operation of the endpoint: routes, clients and the OpenAPI document follow from this table. */
export const operations = {
  health: operation({
    method: "get",
    path: "/health",
    scope: "none",
    summary: "Whether the endpoint answers",
    replies: { 200: { json: Health, what: "It does." } },
  }),
  describe: operation({
    method: "get",
    path: "/openapi.json",
    scope: "none",
    summary: "This document",
    replies: { 200: { types: ["application/json"], what: "OpenAPI 3.1" } },
  }),
  submitJob: operation({
    method: "post",
    path: "/v1/jobs",
    scope: "submit",
    summary: "Submit a training job",
    headers: IdempotencyKey,
    body: { schema: SubmitJob, maxBytes: jobBytes },
    replies: accepted,
  }),
  listJobs: operation({
    method: "get",
    path: "/v1/jobs",
    scope: "read",
    summary: "All jobs, the newest first",
    query: z.object({ limit: z.coerce.number().int().min(1).max(1000).default(100) }),
    replies: { 200: { json: JobList, what: "The jobs" } },
  }),
  showJob: operation({
    method: "get",
    path: "/v1/jobs/{job}",
    scope: "read",
    summary: "The life of a job: rounds, attempts, failures, signs of life",
    params: job,
    replies: { 200: { json: JobDetails, what: "The job" } },
  }),
  followJob: operation({
    method: "get",
    path: "/v1/jobs/{job}/events",
    scope: "read",
    summary: "The events of a job as they happen, as server-sent events",
    params: job,
    query: z.object({
      /** `false` ends with what has happened so far. */
      follow: z.enum(["true", "false"]).default("true"),
    }),
    headers: z.object({
      /** The `id` of the last event that was received: goes on behind it. */
      "last-event-id": z
        .string()
        .regex(/^(\d{1,6}|end)$/)
        .optional(),
    }),
    replies: {
      200: { types: ["text/event-stream"], what: "Events; each `data` is a JobEvent." },
      204: { what: "There are no more events." },
    },
  }),
  cancelJob: operation({
    method: "post",
    path: "/v1/jobs/{job}/cancel",
    scope: "submit",
    summary: "End a job",
    params: job,
    replies: { 200: changed },
  }),
  resumeJob: operation({
    method: "post",
    path: "/v1/jobs/{job}/resume",
    scope: "submit",
    summary: "Go on with a job that has not ended and that nothing is heard of",
    params: job,
    replies: { 200: changed },
  }),
  jobResult: operation({
    method: "get",
    path: "/v1/jobs/{job}/result",
    scope: "read",
    summary: "How a job ended",
    params: job,
    replies: { 200: { json: JobOutcome, what: "Its end" } },
  }),
  downloadModel: operation({
    method: "get",
    path: "/v1/jobs/{job}/model",
    scope: "read",
    summary: "The model of a job that has succeeded, as a tar archive",
    params: job,
    replies: {
      200: { types: ["application/x-tar"], what: "model.json, weights, stampede.json" },
      302: { what: "It is at the address of the header Location, for some minutes." },
    },
  }),
  downloadPredictions: operation({
    method: "get",
    path: "/v1/jobs/{job}/predictions",
    scope: "read",
    summary: "What a predict job came to, in the order of the rows",
    params: job,
    query: z.object({ format: z.enum(["csv", "jsonl", "npy"]).default("csv") }),
    replies: {
      200: { types: ["text/csv", "application/x-ndjson", "application/octet-stream"], what: "The predictions" },
      302: { what: "They are at the address of the header Location, for some minutes." },
    },
  }),
  evaluateModel: operation({
    method: "post",
    path: "/v1/jobs/{job}/evaluate",
    scope: "submit",
    summary: "Evaluate the model of a job on data with labels: a job of its own, whose result has the metrics",
    params: job,
    headers: IdempotencyKey,
    body: { schema: InferJob, maxBytes: smallBytes },
    replies: accepted,
  }),
  predictModel: operation({
    method: "post",
    path: "/v1/jobs/{job}/predict",
    scope: "submit",
    summary: "Predict every row with the model of a job: a job of its own, whose predictions are downloaded",
    params: job,
    headers: IdempotencyKey,
    body: { schema: InferJob, maxBytes: smallBytes },
    replies: accepted,
  }),
  startUpload: operation({
    method: "post",
    path: "/v1/uploads",
    scope: "submit",
    summary: "Ask where a data file may be put",
    body: { schema: StartUpload, maxBytes: smallBytes },
    replies: { 201: { json: Upload, what: "Where its parts go" } },
  }),
  putUpload: operation({
    method: "put",
    path: "/v1/uploads/{upload}/{name}",
    scope: "submit",
    summary: "Put a data file here, where the endpoint keeps it itself",
    params: z.object({ upload: UploadId, name: StartUpload.shape.name }),
    bytes: true,
    replies: { 201: { json: UploadDone, what: "It is kept." } },
  }),
  completeUpload: operation({
    method: "post",
    path: "/v1/uploads/{upload}/complete",
    scope: "submit",
    summary: "Say that all parts of a file are there",
    params: z.object({ upload: UploadId }),
    body: { schema: CompleteUpload, maxBytes: 4 * 2 ** 20 },
    replies: { 200: { json: UploadDone, what: "Jobs may name it." } },
  }),
} as const;

export type OperationName = keyof typeof operations;

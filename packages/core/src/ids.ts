import * as z from "zod";
import { StampedeError } from "./errors.js";

/** Ids that are spliced into object keys. They are validated here and nowhere else. */
export const JobId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
  .brand<"JobId">();
export type JobId = z.infer<typeof JobId>;

/** The content hash of a data set: SHA-256 in hex. */
export const DatasetId = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .brand<"DatasetId">();
export type DatasetId = z.infer<typeof DatasetId>;

/** The hash of what a data set is asked for with: SHA-256 in hex. */
export const ShardingId = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .brand<"ShardingId">();
export type ShardingId = z.infer<typeof ShardingId>;

/** A bearer token's public half: what it is looked up, listed and revoked by. */
export const TokenId = z
  .string()
  .regex(/^[0-9a-f]{16}$/)
  .brand<"TokenId">();
export type TokenId = z.infer<typeof TokenId>;

/** A file that was uploaded for jobs to read. */
export const UploadId = z
  .string()
  .regex(/^[0-9a-f]{32}$/)
  .brand<"UploadId">();
export type UploadId = z.infer<typeof UploadId>;

/** The name of an uploaded file: the last part of its object's key. */
export const UploadName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/)
  .brand<"UploadName">();
export type UploadName = z.infer<typeof UploadName>;

/** What is made of an ended job once somebody asks for it: `model.tar`, `predictions.csv`. */
export const ArtifactName = z.enum(["model.tar", "predictions.csv", "predictions.jsonl", "predictions.npy"]);
export type ArtifactName = z.infer<typeof ArtifactName>;

/** Distinguishes two tries of one task, and two writers of one record, even when their bodies are equal otherwise. */
export const AttemptId = z.string().regex(/^[a-z0-9-]{1,64}$/);
export type AttemptId = z.infer<typeof AttemptId>;

/** @throws StampedeError `job.invalid-id` */
export function parseJobId(text: string): JobId {
  const parsed = JobId.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new StampedeError(
    "job.invalid-id",
    `Expected a job id of 1 to 63 characters a-z, 0-9 and "-", found ${JSON.stringify(text.slice(0, 80))}. Nothing was started.`,
  );
}

/**
 * A readable, sortable, unique job id: name, time (UTC, to the second) and six random hex digits.
 * @param unique six hex digits from a random source; the core has none of its own
 */
export function makeJobId(name: string, epochMs: number, unique: string): JobId {
  const slug = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 32)
    .replace(/-+$/, "");
  const time = new Date(epochMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-");
  return parseJobId(`${slug === "" ? "job" : slug}-${time}-${unique}`);
}

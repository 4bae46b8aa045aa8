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

import type * as z from "zod";
import { describeProblems } from "../parse/describe-problems.js";
import { StampedeError } from "../errors.js";
import { corruptObject } from "./corrupt-object.js";
import { checkSeal, emptySeal, writeSeal } from "./seal.js";

const openingText = '{"crc32":"';
const opening = new TextEncoder().encode(openingText);

/**
 * A record as a stored object: `{"crc32":"xxxxxxxx","record":{...}}`. Records carry their `version`.
 * @throws StampedeError `internal.unexpected` when the value does not fit its schema (for example a metric that is NaN)
 */
export function encodeRecord<S extends z.ZodType>(schema: S, value: z.output<S>): Uint8Array<ArrayBuffer> {
  const text = recordToJson(schema, value);
  const bytes = new TextEncoder().encode(`${openingText}${emptySeal}","record":${text}}`);
  writeSeal(bytes, opening.length);
  return bytes;
}

/** @throws StampedeError `store.corrupt` naming `key`, when the object is damaged, of an unknown version or of another kind */
export function decodeRecord<S extends z.ZodType>(schema: S, bytes: Uint8Array, key: string): z.output<S> {
  checkSeal(bytes, opening, key);
  const sealed = parseJson(new TextDecoder().decode(bytes), key);
  const isSealed = typeof sealed === "object" && sealed !== null && "record" in sealed;
  if (!isSealed) throw corruptObject(key, "a record", "none");
  return checkRecord(schema, sealed.record, key);
}

/** A record as JSON text. */
export function recordToJson<S extends z.ZodType>(schema: S, value: z.output<S>): string {
  const parsed = schema.safeParse(value);
  if (parsed.success) return JSON.stringify(parsed.data);
  const problems = describeProblems(schema, value, parsed.error.issues).map(({ text }) => text);
  const message = `Expected a valid record, found: ${problems.join("; ")}. Nothing was written.`;
  throw new StampedeError("internal.unexpected", message, { cause: parsed.error });
}

/** @throws StampedeError `store.corrupt` naming `key` */
export function recordFromJson<S extends z.ZodType>(schema: S, text: string, key: string): z.output<S> {
  return checkRecord(schema, parseJson(text, key), key);
}

function checkRecord<S extends z.ZodType>(schema: S, value: unknown, key: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  if (issues.some(({ path }) => path.length === 1 && path[0] === "version")) {
    const found = `version ${JSON.stringify(versionOf(value)) ?? "(none)"}: it was written by another version of Stampede`;
    throw corruptObject(key, "a record of a version that this Stampede reads", found, parsed.error);
  }
  const problems = describeProblems(schema, value, issues).map(({ text }) => text);
  throw corruptObject(key, "a valid record", problems.join("; "), parsed.error);
}

function versionOf(value: unknown): unknown {
  return typeof value === "object" && value !== null && "version" in value ? value.version : undefined;
}

function parseJson(text: string, key: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw corruptObject(key, "a record in JSON", String(cause), cause);
  }
}

import { join } from "node:path";
import { StampedeError } from "@stampede/core";

/** The limit of S3, kept here so that a job that runs on one machine also runs there. */
const maxKeyBytes = 1024;
/** NAME_MAX of common file systems, less the `~` of the folder of versions. */
const maxSegmentBytes = 254;

/** Where an object lies. */
export interface Place {
  readonly key: string;
  /** The folder that holds it. */
  readonly folder: string;
  /** Version 1. */
  readonly plain: string;
  /** The folder of version 2 and up. */
  readonly versions: string;
}

/** @throws StampedeError `store.invalid-key` */
export function placeOf(objects: string, key: string): Place {
  const segments = segmentsOf(key);
  const plain = join(objects, ...segments);
  return { key, folder: join(objects, ...segments.slice(0, -1)), plain, versions: `${plain}~` };
}

/** The parts of a key or of a key's folder. @throws StampedeError `store.invalid-key` */
export function segmentsOf(key: string): readonly string[] {
  const bytes = Buffer.from(key);
  if (bytes.length > maxKeyBytes) throw invalidKey(key, `${bytes.length} bytes; at most ${maxKeyBytes} are allowed`);
  if (bytes.toString() !== key) throw invalidKey(key, "text that is not valid Unicode");
  if (/[\0\\]/.test(key)) throw invalidKey(key, "a backslash or NUL");
  const segments = key.split("/");
  for (const segment of segments) {
    const fault = faultOf(segment);
    if (fault !== undefined) throw invalidKey(key, fault);
  }
  return segments;
}

function faultOf(segment: string): string | undefined {
  if (segment === "") return "an empty segment";
  if (segment === "." || segment === "..") return `the segment "${segment}"`;
  if (segment.endsWith("~")) return `a segment that ends in "~", which marks older versions`;
  if (Buffer.byteLength(segment) > maxSegmentBytes) return `a segment of more than ${maxSegmentBytes} bytes`;
  return undefined;
}

export function invalidKey(key: string, found: string): StampedeError {
  return new StampedeError(
    "store.invalid-key",
    `Expected a relative object key such as "jobs/a/spec.json", found ${found} in ${JSON.stringify(key.slice(0, 200))}. Nothing was read or written.`,
    { details: { key: key.slice(0, 200) } },
  );
}

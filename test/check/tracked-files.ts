import type { Violation } from "./fences.js";

export interface TrackedFile {
  readonly path: string;
  readonly bytes: number;
  /** Undefined for a binary file. */
  readonly text: string | undefined;
}

const lockFile = "package-lock.json";
const maxBytes = 200 * 1024;
/** Absolute paths of somebody's machine; a folder below the temporary one counts when it is spelled out. */
const machinePath = /(?<![\w.-])\/(?:root|work|home\/[a-z]+|tmp\/[a-z]+)\//;
const downloadAddress = /"resolved": "https?:/;

/** What may not be in the repository: large files, paths of one machine, download addresses in the lock. */
export function trackedFileViolations(files: readonly TrackedFile[]): readonly Violation[] {
  return files.flatMap(({ path, bytes, text = "" }) => {
    if (path === lockFile) {
      return linesWith(text, downloadAddress).map((line) => ({
        place: `${path}:${line}`,
        message: "records a download address: set omit-lockfile-registry-resolved=true and lock again",
      }));
    }
    const size = bytes > maxBytes ? [{ place: path, message: `has ${bytes} bytes, ${maxBytes} are allowed` }] : [];
    const machine = linesWith(text, machinePath).map((line) => ({
      place: `${path}:${line}`,
      message: "names a path of one machine",
    }));
    return [...size, ...machine];
  });
}

function linesWith(text: string, pattern: RegExp): readonly number[] {
  return text.split("\n").flatMap((line, index) => (pattern.test(line) ? [index + 1] : []));
}

import { relative } from "node:path";

/** The path as seen from a folder, where it lies in it. */
export function shorterPath(from: string, path: string): string {
  const near = relative(from, path);
  return near === "" || near.startsWith("..") ? path : near;
}

import { readFileSync } from "node:fs";
import { succeeds } from "./command.js";

/** Unmounts every file system that is mounted in a folder, the innermost first, also one that is in use. */
export function unmountBelow(folder: string): void {
  if (folder === "" || process.platform !== "linux") return;
  const places = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => unescaped(line.split(" ")[1] ?? ""))
    .filter((place) => place.startsWith(`${folder}/`));
  for (const place of places.toReversed()) succeeds("umount", ["--lazy", place]);
}

/** The kernel writes blanks and backslashes as octal numbers. */
function unescaped(path: string): string {
  return path.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCodePoint(Number.parseInt(octal, 8)));
}

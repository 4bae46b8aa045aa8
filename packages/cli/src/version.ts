import { readFileSync } from "node:fs";

/** Of Stampede: all packages have one. */
export function readVersion(): string {
  const description: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const version: unknown =
    typeof description === "object" && description !== null ? Reflect.get(description, "version") : undefined;
  return typeof version === "string" ? version : "unknown";
}

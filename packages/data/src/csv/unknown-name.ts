import { nearest, type StampedeError } from "@stampede/core";
import type { DataFile } from "../files/data-file.js";
import { quoted, refusal } from "../refusal.js";

export interface UnknownName {
  readonly file: DataFile;
  readonly what: "column" | "array";
  readonly wanted: string;
  readonly names: readonly string[];
}

/** Names listed in full would drown the message in wide tables. */
const maxListed = 40;

export function unknownName({ file, what, wanted, names }: UnknownName): StampedeError {
  const guess = nearest(wanted, names);
  const hint = guess === undefined ? "" : ` Did you mean ${quoted(guess)}?`;
  const rest = names.length > maxListed ? ` and ${names.length - maxListed} more` : "";
  const listed = names.slice(0, maxListed).join(", ") + rest;
  const text = `${file.name}: expected ${what === "array" ? "an" : "a"} ${what} ${quoted(wanted)}, found ${listed === "" ? "none" : listed}.${hint}`;
  return refusal("data.unknown-column", text, { details: { file: file.path, [what]: wanted } });
}

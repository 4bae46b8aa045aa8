import { JobFile, parseInput } from "@stampede/core";
import { applyOverrides, type Override } from "./overrides.js";
import { readYaml, type YamlSource } from "./yaml-source.js";

/**
 * Reads a job file and puts the overrides into it.
 * @param path the file
 * @param name the path as the user gave it, for messages
 * @throws StampedeError `job-file.not-readable`, `job-file.syntax`, `job-file.invalid`: the message names line and column, or
 *   the option that is at fault
 */
export async function readJobFile(path: string, name: string, overrides: readonly Override[]): Promise<JobFile> {
  return parseJobFile(await readYaml(path, name), overrides);
}

export function parseJobFile(source: YamlSource, overrides: readonly Override[]): JobFile {
  return parseInput(JobFile, applyOverrides(source.value, overrides), {
    code: "job-file.invalid",
    what: source.name,
    place: (path) => optionAt(path, overrides) ?? `${source.name}:${source.positionOf(path)}`,
  });
}

/** The option that wrote the value at `path`, or one around it; the last one wins, as it does in the file. */
function optionAt(path: readonly PropertyKey[], overrides: readonly Override[]): string | undefined {
  const wrote = (override: Override): boolean =>
    override.path.length <= path.length && override.path.every((step, depth) => String(step) === String(path[depth]));
  return overrides.findLast(wrote)?.option;
}

import type { GarbageReport } from "@stampede/client";
import * as text from "./text.js";

type Kind = keyof GarbageReport["removed"];

const words: readonly (readonly [Kind, string])[] = [
  ["deltas", "deltas of rounds that are over"],
  ["checkpoints", "unfinished work of rounds that are over"],
  ["weights", "weights of rounds of ended jobs"],
  ["outputs", "evaluations and predictions of ended jobs"],
  ["progress", "signs of life"],
  ["graphs", "graphs of ended jobs"],
  ["jobs", "whole jobs"],
  ["leftovers", "leftovers of jobs that are none"],
  ["datasets", "data sets that no job refers to"],
  ["shardings", "data on its way into data sets, which nobody waits for"],
  ["uses", "old marks of data sets"],
  ["plans", "compiled plans"],
  ["requests", "records of repeatable requests"],
  ["uploads", "uploaded files"],
];

/** Names that are listed one by one. */
const namedJobs = 10;

/** `stampede jobs gc` */
export function garbageLines({ dryRun, removed, jobs, datasets, skipped }: GarbageReport): string[] {
  const rows = words.flatMap(([kind, name]) => {
    const count = removed[kind];
    return count === undefined ? [] : [{ name, ...count }];
  });
  const objects = rows.reduce((sum, row) => sum + row.objects, 0);
  const bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
  const done = dryRun ? "Would remove" : "Removed";
  const total = `${done} ${text.counted(objects, "object")}, ${text.bytes(bytes)}:`;
  const table = rows.map((row) => [`  ${row.name}`, text.count(row.objects), text.bytes(row.bytes)]);
  return [
    ...(rows.length === 0 ? ["Nothing to remove."] : [total, ...text.table(table)]),
    ...(jobs.length === 0 ? [] : [`${text.counted(jobs.length, "job")} whole: ${named(jobs)}`]),
    ...(datasets.length === 0 ? [] : [text.counted(datasets.length, "data set")]),
    ...skipped.map(({ key, reason }) => `left alone: ${text.printable(key)}: ${text.printable(reason)}`),
  ];
}

function named(jobs: readonly string[]): string {
  const shown = jobs.slice(0, namedJobs).join(", ");
  return jobs.length <= namedJobs ? shown : `${shown} and ${jobs.length - namedJobs} more`;
}

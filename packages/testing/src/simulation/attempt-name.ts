import type { TaskMessage } from "@stampede/core";

/** How an attempt is called in timelines; a second invocation of it has a number behind that. */
export function attemptName({
  job,
  stage,
  partition,
  attempt,
}: Pick<TaskMessage, "job" | "stage" | "partition" | "attempt">): string {
  return `${job} ${stage.kind} ${stage.round} p${partition} a${attempt}`;
}

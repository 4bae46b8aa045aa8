import { Logger } from "@aws-lambda-powertools/logger";
import type { AccessEntry } from "@stampede/api";
import type { EventSink, JobEvent } from "@stampede/core";

/** One JSON object a line. Inputs, data and secrets never go into it: events are all that is told of a job. */
export const logger = new Logger({ serviceName: "stampede" });

/** What happens in a job, as lines of the function's log with job, round and partition on each. */
export const eventLog: EventSink = {
  emit(event) {
    switch (event.event) {
      // Several a second from every executor. What they tell is in the signs of life.
      case "task.progress":
        return;
      case "task.failed":
      case "job.failed":
        return logger.warn(event.event, fieldsOf(event));
      default:
        return logger.info(event.event, fieldsOf(event));
    }
  },
};

function fieldsOf(event: JobEvent): Record<string, unknown> {
  const { event: _, ...fields } = event;
  const stage = "stage" in fields ? { stage: undefined, kind: fields.stage.kind, round: fields.stage.round } : {};
  // A line has a field `message` of its own.
  const reason = "message" in fields ? { message: undefined, reason: fields.message } : {};
  return { ...fields, ...stage, ...reason };
}

/** A line for each request to the API: its operation and status, never a token, a body or a query. */
export function accessLog({ error, ...entry }: AccessEntry): void {
  if (error === undefined) logger.info("request", { ...entry });
  else logger.error("request", { ...entry, reason: error });
}

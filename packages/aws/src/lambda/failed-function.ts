import { ShardTask, StampedeError, TaskMessage } from "@stampede/core";
import * as z from "zod";
import { lastWords, type FailedTask } from "../failed-task.js";

const Text = z.string().max(1_048_576);

/** https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html, and what emulators leave out is not asked for. */
export const FailedFunctionRecord = z.object({
  requestContext: z.object({
    condition: z.string().max(200),
    functionArn: z.string().max(2_048).default(""),
    requestId: z.string().max(200).optional(),
  }),
  requestPayload: z.unknown(),
  /** Absent when the function was never started. */
  responsePayload: z.unknown().optional(),
});
export type FailedFunctionRecord = z.infer<typeof FailedFunctionRecord>;

/** What a function, or Lambda in its place, answers when it failed. */
const ErrorAnswer = z.object({ errorType: Text.default(""), errorMessage: Text.default("") });

/** Undefined when the payload was not a task: other functions have the same destination. */
export function failureOfFunction(record: FailedFunctionRecord): FailedTask | undefined {
  const task = TaskMessage.safeParse(record.requestPayload);
  return task.success ? { task: task.data, error: reasonOf(record) } : undefined;
}

/** The same of the sharder function. */
export function failureOfSharder(
  record: FailedFunctionRecord,
): { readonly task: ShardTask; readonly error: StampedeError } | undefined {
  const task = ShardTask.safeParse(record.requestPayload);
  return task.success ? { task: task.data, error: reasonOf(record) } : undefined;
}

function reasonOf({ requestContext, responsePayload }: FailedFunctionRecord): StampedeError {
  const { condition, functionArn, requestId } = requestContext;
  const { code, message, details } = errorOf(condition, answerIn(responsePayload));
  return new StampedeError(code, message + whereLogged(functionArn, requestId), { details });
}

/** What a function printed is in its log, under the id of the request. */
function whereLogged(functionArn: string, requestId: string | undefined): string {
  if (requestId === undefined) return "";
  const name = functionArn.split(":").at(6) ?? functionArn;
  return ` What it printed is in the log of ${lastWords(name)}, request ${lastWords(requestId)}.`;
}

interface Answer {
  readonly type: string;
  readonly message: string;
}

function answerIn(payload: unknown): Answer {
  const parsed = ErrorAnswer.safeParse(payload);
  if (parsed.success) return { type: parsed.data.errorType, message: parsed.data.errorMessage };
  // Of an environment that could not be started some tell in plain text.
  return { type: "", message: typeof payload === "string" ? payload : "" };
}

/** Signals by which an environment ends that has no memory left: Lambda's own, and V8's when its heap is full. */
const memorySignal = /signal: (killed|aborted)/;

function errorOf(condition: string, answer: Answer): StampedeError {
  const said = lastWords(answer.message === "" ? answer.type : answer.message);
  const details = { platform: "function", errorType: answer.type.slice(0, 200) };
  if (condition === "EventAgeExceeded") {
    return crashed("that no environment was free for it in time", details);
  }
  if (answer.type === "Sandbox.Timedout" || /Task timed out after [\d.]+ seconds/.test(answer.message)) {
    const message = `Expected a task to finish before its deadline; its function was stopped: ${said}.`;
    return new StampedeError("task.timed-out", message, { details });
  }
  const isSandbox = /^(Runtime\.|Sandbox\.|$)/.test(answer.type);
  if (answer.type === "Runtime.OutOfMemory" || (isSandbox && memorySignal.test(answer.message))) {
    const message =
      `Expected a task to need at most the memory of its function, found that it ended: ${said}. ` +
      "Its environment is replaced; use more executors (smaller partitions) or raise the limit.";
    return new StampedeError("task.out-of-memory", message, { details });
  }
  const named = isSandbox || said.startsWith(answer.type) ? said : `${lastWords(answer.type)}: ${said}`;
  return crashed(named === "" ? "that it ended without a word" : named, details);
}

function crashed(found: string, details: Readonly<Record<string, string>>): StampedeError {
  const message = `Expected a function to finish its task, found ${found}. The task is tried again.`;
  return new StampedeError("task.crashed", message, { details });
}

import type { StampedeError, TaskMessage } from "@stampede/core";

/** What ended a task of ours. */
export interface FailedTask {
  readonly task: TaskMessage;
  readonly error: StampedeError;
}

/** Of what an executor said last, so many characters are passed on. */
const maxChars = 2_000;

/** What somebody else wrote, fit for the message of an error: bounded, without control characters, without a full stop at its end. */
export function lastWords(text: string): string {
  const plain = text.replaceAll(/[^\P{Cc}\n\t]/gu, "").trim();
  const short = plain.length > maxChars ? `${plain.slice(0, maxChars)} ...` : plain;
  return short.replace(/\.+$/, "");
}

import { errorCatalogue, isStampedeError, toErrorFacts, type ErrorCode } from "@stampede/core";
import { colorsFor, type Host } from "./host.js";

/** An error in the form that people and programs are told. */
export interface Report {
  readonly code: ErrorCode;
  readonly message: string;
  /** Nothing was started when this is an input error: exit code 2. */
  readonly isInputError: boolean;
  readonly lines: readonly string[];
}

/** The words about an error: its code and message, then what to do. */
export function reportError(error: unknown, host: Pick<Host, "stderr" | "env">): Report {
  const colors = colorsFor(host.stderr, host.env);
  const { code, message } = toErrorFacts(error);
  const lines = [`${colors.red("error")} ${colors.bold(code)}: ${safe(message)}`];
  lines.push(`  ${colors.dim("what to do:")} ${errorCatalogue[code].remedy}`);
  return { code, message, isInputError: isStampedeError(error) && errorCatalogue[code].input, lines };
}

/** Messages quote foreign text; its control characters stay away from the terminal, line ends remain. */
function safe(message: string): string {
  return message.replaceAll(/[^\P{Cc}\n]+/gu, " ");
}

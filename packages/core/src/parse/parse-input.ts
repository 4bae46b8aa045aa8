import type * as z from "zod";
import type { ErrorCode } from "../error-catalogue.js";
import { StampedeError } from "../errors.js";
import { describeProblems, type Problem } from "./describe-problems.js";
import type { Path } from "./schema-walk.js";

export interface InputSource {
  /** The code of the error: one of the user's input. */
  readonly code: ErrorCode;
  /** What is read, for messages: the path of a file, "the options of fit". */
  readonly what: string;
  /** Where in the source the value at a path stands, if that is known: `job.yaml:7:3`. */
  readonly place?: (path: Path) => string | undefined;
}

/** More problems than this are counted only. */
const maxShown = 20;

/**
 * Checks what a user gave against a schema and fills in the defaults.
 * @throws StampedeError with the source's code: one line for one problem, else a line for each. Each names the place, what was expected
 *   and found, and the nearest valid name or value.
 */
export function parseInput<S extends z.ZodType>(schema: S, value: unknown, source: InputSource): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = describeProblems(schema, value, parsed.error.issues);
  const fields = problems.map(({ path }) => path.map(String).join("."));
  throw new StampedeError(source.code, messageOf(problems, source), {
    details: { what: source.what, problems: problems.length, field: fields[0] },
    cause: parsed.error,
  });
}

function messageOf(problems: readonly Problem[], { what, place }: InputSource): string {
  const lines = problems.slice(0, maxShown).map(({ path, text }) => {
    const at = place?.(path);
    return at === undefined ? text : `${at}: ${text}`;
  });
  const [first = ""] = lines;
  if (problems.length === 1) {
    return `${what} is not valid: ${first}${first.endsWith("?") ? "" : "."} Nothing was started.`;
  }
  const rest = problems.length > maxShown ? [`... and ${problems.length - maxShown} more`] : [];
  const list = [...lines, ...rest].map((line) => `\n  ${line}`).join("");
  return `${what} is not valid, ${problems.length} problems. Nothing was started.${list}`;
}

import type * as z from "zod";
import { nearest } from "../suggest.js";
import { namesAt, parentsOf, valueAt, type Path } from "./schema-walk.js";

type Schema = z.core.$ZodType;
type Issue = z.core.$ZodIssue;
type UnionIssue = z.core.$ZodIssueInvalidUnion;

/** One thing that is wrong, and where: `text` begins with the dotted path. */
export interface Problem {
  readonly path: Path;
  readonly text: string;
}

/** Says in plain words what zod found: what was expected, what was found, and what may have been meant. */
export function describeProblems(schema: Schema, value: unknown, issues: readonly Issue[]): readonly Problem[] {
  return issues.flatMap((issue) => describeIssue(schema, value, issue));
}

/** `training.epochs`, `labels[1].file`; nothing for the root. */
function dotted(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    return text === "" ? String(step) : `${text}.${String(step)}`;
  }, "");
}

function describeIssue(schema: Schema, value: unknown, issue: Issue): readonly Problem[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownField(schema, value, issue.path, key));
  }
  if (issue.code === "invalid_union" && issue.discriminator === undefined) {
    const meant = meantBranch(issue, valueAt(value, issue.path));
    if (meant !== undefined) return describeProblems(schema, value, meant);
  }
  const { path } = issue;
  const found = valueAt(value, path);
  const place = path.length === 0 ? "" : `${dotted(path)}: `;
  if (issue.code === "custom") return [{ path, text: `${place}${issue.message}` }];
  const expected = expectationOf(issue);
  if (found === undefined && path.length > 0) {
    return [{ path, text: `${dotted(path)} is missing: expected ${expected}` }];
  }
  const hint = typeof found === "string" ? nearest(found, allowedTexts(issue)) : undefined;
  const question = hint === undefined ? "" : `; did you mean ${quoted(hint)}?`;
  return [{ path, text: `${place}expected ${expected}, found ${quoted(found)}${question}` }];
}

function unknownField(schema: Schema, value: unknown, path: Path, key: string): Problem {
  const place = [...path, key];
  const names = namesAt(schema, value, path);
  const parents = parentsOf(key, schema, value, path);
  const near = nearest(key, names);
  const meant = near === undefined ? parents.map((parent) => [...path, parent, key]) : [[...path, near]];
  const hint =
    meant.length > 0 ? `did you mean ${meant.map(dotted).join(" or ")}?` : `the fields here are ${names.join(", ")}`;
  return { path: place, text: `unknown field ${dotted(place)}; ${hint}` };
}

/**
 * The issues of the branch that a value was meant for, with paths from the root: the only one that the value has the type of.
 * Undefined when there is none; then all that is allowed is listed.
 */
function meantBranch(issue: UnionIssue, found: unknown): readonly Issue[] | undefined {
  const isMeant = (errors: readonly Issue[]): boolean =>
    errors.every((error) => {
      if (error.path.length > 0) return true;
      if (error.code === "invalid_type") return false;
      return error.code !== "invalid_value" || error.values.some((allowed) => typeof allowed === typeof found);
    });
  const [meant, ...others] = issue.errors.filter(isMeant);
  if (meant === undefined || others.length > 0) return undefined;
  return meant.map((error) => ({ ...error, path: [...issue.path, ...error.path] }));
}

const typeNames: Readonly<Record<string, string>> = {
  string: "text",
  int: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

/** What is allowed, to follow "expected". */
function expectationOf(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return typeNames[issue.expected] ?? issue.expected;
    case "invalid_value":
      return oneOf(issue.values);
    case "too_small":
      return bounded(issue.origin, issue.inclusive === false ? "more than" : "at least", issue.minimum);
    case "too_big":
      return bounded(issue.origin, issue.inclusive === false ? "less than" : "at most", issue.maximum);
    case "not_multiple_of":
      return `a multiple of ${issue.divisor}`;
    case "invalid_format":
      return issue.pattern === undefined ? issue.format : `text like ${issue.pattern}`;
    case "invalid_union":
      return unionExpectation(issue);
    case "invalid_key":
      return "another name";
    case "invalid_element":
    case "unrecognized_keys":
    case "custom":
      return issue.message;
  }
}

function unionExpectation(issue: UnionIssue): string {
  if ("options" in issue && issue.options !== undefined) return oneOf(issue.options);
  const expectations = issue.errors.flatMap(([first]) => (first === undefined ? [] : [expectationOf(first)]));
  return [...new Set(expectations)].join(", or ");
}

function bounded(origin: string, relation: string, limit: number | bigint): string {
  if (origin === "string") return `text of ${relation} ${limit} character${limit === 1 ? "" : "s"}`;
  if (origin === "array") return `a list of ${relation} ${limit} ${limit === 1 ? "entry" : "entries"}`;
  return `${relation} ${limit}`;
}

/** `"a", "b" or "c"` */
const oneOf = (values: readonly unknown[]): string =>
  values
    .map(quoted)
    .join(", ")
    .replace(/, (?=[^,]*$)/, " or ");

function allowedTexts(issue: Issue): readonly string[] {
  if (issue.code === "invalid_value") return issue.values.filter((value) => typeof value === "string");
  if (issue.code !== "invalid_union") return [];
  const options = "options" in issue ? (issue.options ?? []) : [];
  return [...options.filter((value) => typeof value === "string"), ...issue.errors.flat().flatMap(allowedTexts)];
}

function quoted(value: unknown): string {
  if (typeof value === "number") return String(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}

import { StampedeError } from "@stampede/core";
import { isAlias, isNode, parseDocument, visit } from "yaml";
import { printable } from "../present/text.js";

/** One `--set path=value`, or another option that stands for one. */
export interface Override {
  /** As the user wrote it: it goes into messages. */
  readonly option: string;
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

/** Inherited names: no setting is called so, and writing them would change every object of the process. */
const refused = new Set(["__proto__", "constructor", "prototype"]);
const maxLength = 65_536;

/**
 * `training.executors=4`, `data.train.features.columns.0=age`, `compile.metrics=[accuracy]`: the value is YAML.
 * @throws StampedeError `option.invalid`
 */
export function parseOverride(option: string, text: string): Override {
  const shown = `${option} ${printable(text.slice(0, 200))}`;
  const equals = text.indexOf("=");
  const name = text.slice(0, Math.max(0, equals));
  const steps = name.split(".");
  if (equals < 1 || text.length > maxLength || !steps.every(isStep)) {
    throw new StampedeError(
      "option.invalid",
      `Expected ${option} PATH=VALUE with a path such as training.executors, found ${shown}. Nothing was started.`,
    );
  }
  const path = steps.map((step) => (/^\d+$/.test(step) ? Number(step) : step));
  return { option: shown, path, value: parseValue(text.slice(equals + 1), shown) };
}

function isStep(step: string): boolean {
  return /^[\w-]{1,200}$/.test(step) && !refused.has(step);
}

function parseValue(text: string, shown: string): unknown {
  const document = parseDocument(text, { prettyErrors: false });
  const problem = document.errors[0] ?? document.warnings[0];
  let found = problem?.message.split("\n", 1)[0];
  visit(document, (_, node) => {
    if (isNode(node) && isAlias(node)) found = "an alias";
    return undefined;
  });
  if (found !== undefined) {
    throw new StampedeError(
      "option.invalid",
      `Expected a YAML value in ${shown}, found: ${found}. Nothing was started.`,
    );
  }
  return document.toJS();
}

/**
 * A copy of `value` with each override in its place; maps that are not there are made.
 * @throws StampedeError `job-file.invalid` when a path leads through a value that is neither a map nor a list
 */
export function applyOverrides(value: unknown, overrides: readonly Override[]): unknown {
  let result = value;
  for (const override of overrides) result = setAt(result, override, 0);
  return result;
}

function setAt(value: unknown, override: Override, depth: number): unknown {
  const step = override.path[depth];
  if (step === undefined) return override.value;
  if (Array.isArray(value)) return setInList(value, step, override, depth);
  if (value !== undefined && value !== null && !isRecord(value)) {
    throw wrongPath(override, depth, `${JSON.stringify(value)}, which has no fields`);
  }
  const record = value ?? {};
  const own = Object.hasOwn(record, step) ? record[step] : undefined;
  // Spread and a computed key define own properties only; they never run a setter.
  return { ...record, [step]: setAt(own, override, depth + 1) };
}

function setInList(list: readonly unknown[], step: string | number, override: Override, depth: number): unknown[] {
  if (typeof step !== "number" || step > list.length) {
    throw wrongPath(
      override,
      depth,
      `a list of ${list.length}, whose places are 0 ... ${list.length} (the last appends)`,
    );
  }
  const copy = [...list];
  copy[step] = setAt(list[step], override, depth + 1);
  return copy;
}

function wrongPath(override: Override, depth: number, found: string): StampedeError {
  const where = override.path.slice(0, depth).join(".");
  return new StampedeError(
    "job-file.invalid",
    `Expected ${override.option} to name a setting, found at ${where === "" ? "the top" : where}: ${found}. Nothing was started.`,
  );
}

function isRecord(value: unknown): value is Readonly<Record<string | number, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

import type { StageName, Stage } from "../support/stages.js";
import type { Graph } from "../synth/graph.js";

/** Something that holds for all that is deployed. */
export interface Rule {
  readonly name: string;
  /** @default both */
  readonly stages?: readonly StageName[];
  /** What is wrong, in words; nothing where the rule holds. */
  check(graph: Graph, stage: Stage): readonly string[];
  /** Deliberate: each makes the check find something. */
  readonly violations: Readonly<Record<string, (graph: Graph) => Graph>>;
}

/** What is wrong when something is not as it should be, compared as JSON. */
export function differs(what: string, found: unknown, expected: unknown): readonly string[] {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  return a === b ? [] : [`${what}: expected ${b}, found ${a}`];
}

/** A field inside of fields; undefined where there is none. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = (found as Readonly<Record<string | number, unknown>>)[key];
  }
  return found;
}

/** Inputs with one of their fields set anew, deep inside. */
export function set(
  value: unknown,
  path: readonly (string | number)[],
  to: unknown,
): Readonly<Record<string, unknown>> {
  const [key = "", ...rest] = path;
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) }) as Record<
    string | number,
    unknown
  >;
  copy[key] = rest.length === 0 ? to : set(copy[key], rest, to);
  return copy;
}

/** What a text says as JSON; nothing where there is no text. */
export function json(text: unknown): unknown {
  return typeof text === "string" ? JSON.parse(text) : undefined;
}

/** In an order that does not depend on where they come from. */
export function sorted(rows: readonly unknown[]): readonly string[] {
  return rows.map((row) => JSON.stringify(row)).toSorted();
}

import type { FanOutFacts } from "@stampede/testing/fan-out";
import { requestsLine } from "./cost.js";

const megabyte = 1e6;

/** The last round in words: what waits for what, and what is held in memory meanwhile. */
export function timelineOf(facts: FanOutFacts, label: string): readonly string[] {
  const last = facts.rounds.at(-1);
  if (last === undefined) return [];
  const points = Object.entries(last.timeline).map(([name, at]) => `${inWords(name)} ${(at / 1000).toFixed(1)}`);
  const { functions, largestObjects, slices } = facts;
  const held = (["executor", "parameter-server", "driver"] as const)
    .map((role) => `${role} ${Math.round(functions[role].mostHeldBytes / megabyte)} MB`)
    .join(", ");
  const largest = Object.entries(largestObjects)
    .filter(([, bytes]) => bytes >= megabyte)
    .map(([kind, bytes]) => `${kind} ${(bytes / megabyte).toFixed(1)} MB`)
    .join(", ");
  return [
    `${label}, round ${last.round} of ${(last.wallMs / 1000).toFixed(1)} s, ${slices} slices, in s: ${points.join(", ")}, slowest executor took ${(last.slowestMs / 1000).toFixed(1)}`,
    `${label}, round ${last.round}: ${requestsLine(last.requests)}`,
    `${label}: bodies at the same time in one environment: ${held}; largest objects: ${largest}; ${functions["parameter-server"].mostActive} parameter servers at the same time`,
  ];
}

function inWords(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

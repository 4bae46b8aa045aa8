import type { JobDetails, RoundHistory } from "@stampede/client";
import * as text from "./text.js";

/** A job of more rounds is told by its first and last ones, and by those in which something happened. */
const firstRounds = 2;
const lastRounds = 10;
const oddRounds = 8;
/** Executors that get a line, or a word, of their own. */
const namedExecutors = 16;
const namedWords = 4;

/** The rounds of a job, one line each: figures, the slowest executor, and which attempts counted. */
export function roundTable({ history }: JobDetails): string[] {
  if (history.length === 0) return [];
  const rows: string[][] = [];
  let before = 0;
  for (const round of tellingRounds(history)) {
    if (round.round > before + 1) rows.push(["..."]);
    rows.push(roundRow(round));
    before = round.round;
  }
  return ["", ...text.table([["ROUND", "EXAMPLES", "TRAINING", "VALIDATION", "SLOWEST", "COUNTED"], ...rows])];
}

function tellingRounds(history: readonly RoundHistory[]): readonly RoundHistory[] {
  if (history.length <= firstRounds + lastRounds) return history;
  const middle = history.slice(firstRounds, -lastRounds).filter((round) => oddities(round).length > 0);
  return [...history.slice(0, firstRounds), ...middle.slice(-oddRounds), ...history.slice(-lastRounds)];
}

function roundRow(round: RoundHistory): string[] {
  const times = round.executors.map(({ tookMs, computeMs }) => tookMs ?? computeMs);
  return [
    String(round.round),
    text.count(round.examples),
    text.metrics(round.metrics),
    round.validation === undefined ? "" : text.metrics(round.validation),
    times.length === 0 ? "" : text.duration(times.reduce((slowest, time) => Math.max(slowest, time), 0)),
    oddities(round).join("; ") || "first attempts",
  ];
}

/** What is not as it is when nothing happens. */
function oddities({ executors, missing }: RoundHistory): readonly string[] {
  const again = executors.filter(({ attempt, lateFrom }) => attempt > 1 && lateFrom === undefined);
  const late = executors.filter(({ lateFrom }) => lateFrom !== undefined);
  return [
    ...(again.length === 0
      ? []
      : [named(again, ({ partition, attempt }) => `executor ${partition}: attempt ${attempt}`)]),
    ...(missing.length === 0 ? [] : [`ended without executor ${named(missing, String)}`]),
    ...(late.length === 0
      ? []
      : [named(late, ({ partition, lateFrom }) => `late from round ${lateFrom}: executor ${partition}`)]),
  ];
}

function named<T>(all: readonly T[], name: (one: T) => string): string {
  const words = all.slice(0, namedWords).map(name).join(", ");
  return all.length <= namedWords ? words : `${words} and ${all.length - namedWords} more`;
}

/** The executors of the last round; of many only how far they lie apart. */
export function lastRoundLines({ history }: JobDetails): string[] {
  const last = history.at(-1);
  if (last === undefined || last.executors.length === 0) return [];
  if (last.executors.length > namedExecutors) return ["", rangeLine(last)];
  const rows = last.executors.map((executor) => [
    String(executor.partition),
    `${executor.attempt}${executor.lateFrom === undefined ? "" : " (late)"}`,
    text.count(executor.examples),
    text.duration(executor.computeMs),
    executor.tookMs === undefined ? "" : text.duration(executor.tookMs),
    executor.norm === undefined ? "" : text.metric(executor.norm),
    executor.memoryBytes === undefined ? "" : text.bytes(executor.memoryBytes),
  ]);
  const heads = ["EXECUTOR", "ATTEMPT", "EXAMPLES", "COMPUTING", "IN ALL", "DELTA NORM", "MEMORY"];
  return ["", `round ${last.round}, by executor:`, ...text.table([heads, ...rows])];
}

function rangeLine({ round, executors }: RoundHistory): string {
  const range = (name: string, values: readonly (number | undefined)[], show: (value: number) => string): string[] => {
    const known = values.filter((value) => value !== undefined).toSorted((a, b) => a - b);
    const [least, most] = [known[0], known.at(-1)];
    return least === undefined || most === undefined ? [] : [`${name} ${show(least)} to ${show(most)}`];
  };
  const figures = [
    ...range(
      "computing",
      executors.map(({ computeMs }) => computeMs),
      text.duration,
    ),
    ...range(
      "in all",
      executors.map(({ tookMs }) => tookMs),
      text.duration,
    ),
    ...range(
      "delta norm",
      executors.map(({ norm }) => norm),
      text.metric,
    ),
    ...range(
      "memory",
      executors.map(({ memoryBytes }) => memoryBytes),
      text.bytes,
    ),
  ];
  return `round ${round}, ${text.count(executors.length)} executors: ${figures.join("; ")}`;
}

import { costOf, listPrices, type Prices } from "@stampede/aws";
import type { FanOutFacts, Requests } from "@stampede/testing/fan-out";
import { figureOf, type Figure } from "../measure.js";

/** A job of `rounds` rounds, of which fewer were simulated: the first and the last are what they are, the others as those between. */
export function requestsOfJob({ rounds, requests }: FanOutFacts, jobRounds: number): Requests {
  const [, ...later] = rounds;
  const steady = later.length > 1 ? later.slice(0, -1) : later;
  const more = jobRounds - rounds.length;
  const average = (name: string): number =>
    steady.reduce((sum, round) => sum + (round.requests[name] ?? 0), 0) / Math.max(1, steady.length);
  return Object.fromEntries(
    Object.entries(requests).map(([name, count]) => [name, Math.round(count + more * average(name))]),
  );
}

export interface JobCost {
  readonly figures: readonly Figure[];
  readonly notes: readonly string[];
}

/** @param gbSeconds of the whole job */
export function costFigures(
  label: string,
  requests: Requests,
  gbSeconds: number,
  prices: Prices = listPrices,
): JobCost {
  const { compute, s3, sqs, invocations, total } = costOf({ requests, lambdaGbSeconds: gbSeconds }, prices);
  const dollars = (name: string, value: number): Figure => figureOf(`${label}: ${name}`, "$", [value]);
  return {
    figures: [
      dollars("total", total),
      dollars("functions' memory and time", compute),
      dollars("S3 requests", s3),
      dollars("SQS requests", sqs),
      dollars("invocations", invocations),
      figureOf(`${label}: requests' share`, "%", [(100 * (s3 + sqs + invocations)) / total]),
    ],
    notes: [`${label}: ${requestsLine(requests)}`],
  };
}

/** `PutObject 230, GetObject 310`. */
export function requestsLine(requests: Requests): string {
  return Object.entries(requests)
    .toSorted(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name.replace(/^.*:/, "")} ${Math.round(count)}`)
    .join(", ");
}

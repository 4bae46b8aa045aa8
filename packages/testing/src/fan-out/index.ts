export type { Requests } from "./bill.js";
export { publishedLatencies, type Latencies } from "./latencies.js";
export type { RoundFacts, RoundTimeline } from "./round-facts.js";
export { runFanOut, type FanOutFacts, type FanOutOptions } from "./run.js";
export type { CloudSetup } from "./setup.js";

import type { WireFault, WireFaultKind, WireOperation } from "./faults.js";
import type { WireRequest } from "./recognise.js";

/** One request, and what became of it. */
export interface WireRecord extends WireRequest {
  /** From 1, in the order in which requests came. */
  readonly number: number;
  /** Milliseconds since the proxy was started. */
  readonly at: number;
  /** See `Decision`. */
  readonly occurrence: number;
  readonly fault: WireFault | { readonly kind: "partitioned" } | undefined;
  /** What the emulator answered (to the first, where it was asked twice); `undefined`: it was not asked, or has not answered. */
  readonly upstreamStatus: number | undefined;
  /** What the client was answered; `undefined`: nothing, or nothing yet. */
  readonly status: number | undefined;
}

export interface WireCounts {
  readonly requests: Readonly<Partial<Record<WireOperation, number>>>;
  readonly faults: Readonly<Partial<Record<WireFaultKind | "partitioned", number>>>;
}

export function countsOf(log: readonly WireRecord[]): WireCounts {
  const requests: Partial<Record<WireOperation, number>> = {};
  const faults: Partial<Record<WireFaultKind | "partitioned", number>> = {};
  for (const { operation, fault } of log) {
    requests[operation] = (requests[operation] ?? 0) + 1;
    if (fault !== undefined) faults[fault.kind] = (faults[fault.kind] ?? 0) + 1;
  }
  return { requests, faults };
}

/** One line a request: what to print where a test fails. */
export function describeWireLog(log: readonly WireRecord[]): string {
  return log.map(describe).join("\n");
}

function describe(record: WireRecord): string {
  const { number, at, operation, subject, part, occurrence, attempt, fault, upstreamStatus, status } = record;
  const what = [operation, subject, part].filter((word) => word !== "").join(" ");
  const which = `${occurrence}. time, attempt ${attempt}`;
  const answer = `${upstreamStatus ?? "not asked"} -> ${status ?? "no answer"}`;
  return `#${number} +${at} ms ${what} (${which}): ${answer}${fault === undefined ? "" : ` <-- ${JSON.stringify(fault)}`}`;
}

import { deriveKey, randomUint32 } from "@stampede/core";
import { canFail, wireFaultsOf, type WireFault, type WireOperation } from "./faults.js";
import type { WireRequest } from "./recognise.js";

interface Where {
  /** @default every one that can fail so */
  readonly operations?: readonly WireOperation[];
  /** Only of these subjects. @default of all */
  readonly subject?: RegExp;
}

/** A fault that hits each request with this probability. */
export interface ChanceRule extends Where {
  readonly fault: Exclude<WireFault, { readonly kind: "precondition" }>;
  /** 0 ... 1 */
  readonly chance: number;
}

/** A fault that hits one request, or some: the `nth` of those that the rule is about, counted from 1 since the plan was set. */
export interface ScriptedRule extends Where {
  readonly fault: WireFault;
  readonly nth: number | readonly number[];
}

export interface WirePlan {
  /** The first rule that hits is carried out. */
  readonly rules?: readonly (ChanceRule | ScriptedRule)[];
  /** Nothing gets through: connections are reset, those that are open as well. @default false */
  readonly partitioned?: boolean;
  /**
   * Chance does not hit the last try of an SDK client (its third unless set otherwise), so that no request fails for good.
   * @default false
   */
  readonly spareLastAttempts?: boolean;
}

/** What was decided about one request. */
export interface Decision {
  /** How many requests for the same part of the same subject there have been, with this one. */
  readonly occurrence: number;
  readonly fault: WireFault | undefined;
}

/**
 * Decides what goes wrong. A rule of chance looks only at (seed, fault, operation, subject, part, occurrence): whatever else
 * goes on at the same time, and the other rules, move nothing. Not reproducible is which of several clients that ask for the same thing
 * at the same time comes first, and for scripted rules without a subject, whose request is the nth.
 */
export class WireFate {
  readonly #plan: WirePlan;
  readonly #seed: number;
  readonly #occurrences = new Map<string, number>();
  readonly #matches = new Map<ChanceRule | ScriptedRule, number>();

  /** @throws RangeError for a rule that no request can follow */
  constructor(plan: WirePlan, seed: number) {
    for (const rule of plan.rules ?? []) checkRule(rule);
    this.#plan = plan;
    this.#seed = seed;
  }

  /** Counts the request, and decides on it. */
  decide(request: WireRequest): Decision {
    const occurrence = countOn(this.#occurrences, JSON.stringify([request.operation, request.subject, request.part]));
    // All rules count, also those after the one that hits: what one does must not move what another does.
    const hits = (this.#plan.rules ?? []).filter((rule) => this.#hits(rule, request, occurrence));
    return { occurrence, fault: hits[0]?.fault };
  }

  #hits(rule: ChanceRule | ScriptedRule, request: WireRequest, occurrence: number): boolean {
    if (!isAbout(rule, request)) return false;
    if ("nth" in rule) return [rule.nth].flat().includes(countOn(this.#matches, rule));
    if (this.#plan.spareLastAttempts === true && request.isLastAttempt) return false;
    return draw(this.#seed, rule.fault, request, occurrence) < rule.chance;
  }
}

/** A number in [0, 1). */
function draw(seed: number, fault: WireFault, request: WireRequest, occurrence: number): number {
  const { operation, subject, part } = request;
  return randomUint32(deriveKey(seed, JSON.stringify(fault), operation, subject, part), occurrence) / 2 ** 32;
}

function isAbout({ fault, operations, subject }: ChanceRule | ScriptedRule, request: WireRequest): boolean {
  if (operations !== undefined && !operations.includes(request.operation)) return false;
  return canFail(request.operation, fault.kind) && (subject === undefined || subject.test(request.subject));
}

function checkRule(rule: ChanceRule | ScriptedRule): void {
  const { fault, operations = [] } = rule;
  const unfit = operations.find((operation) => !canFail(operation, fault.kind));
  if (unfit !== undefined) {
    const can = wireFaultsOf[unfit].join(", ");
    throw new RangeError(`Expected a fault that ${unfit} can have (${can}), found ${fault.kind}.`);
  }
  if (rule.subject?.global === true || rule.subject?.sticky === true) {
    throw new RangeError(
      `Expected a subject without the flags g and y, which make it remember, found ${String(rule.subject)}.`,
    );
  }
}

function countOn<K>(counts: Map<K, number>, key: K): number {
  const count = (counts.get(key) ?? 0) + 1;
  counts.set(key, count);
  return count;
}

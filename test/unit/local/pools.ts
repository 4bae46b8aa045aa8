import type { JobEvent } from "@stampede/core";
import { FunctionPool, type Isolation } from "@stampede/local";
import { ManualClock } from "@stampede/testing";
import { onTestFinished } from "vitest";
import { Signals } from "../../support/signals.js";

export const functionUrl = new URL("../../fixtures/threads/function.js", import.meta.url).href;

export const isolations = ["thread", "process"] as const;

/** A process counts as a whole: Node.js and what the fixture loads take 70 MiB. */
export const memoryLimitMb = { thread: 64, process: 192 } as const satisfies Record<Isolation, number>;

export interface TestPool {
  readonly pool: FunctionPool;
  readonly clock: ManualClock;
  /** What the function said on queue `driver`. */
  readonly said: Signals;
  readonly events: JobEvent[];
  /** Runs with a deadline a minute from now. */
  readonly run: (payload: Readonly<Record<string, unknown>>, affinity?: string) => Promise<void>;
  /** The worker that began the payload of this name: process and thread. */
  readonly workerOf: (name: string) => Promise<string>;
  /** The process of that worker. */
  readonly processOf: (name: string) => Promise<number>;
}

interface TestPoolOptions {
  readonly isolation?: Isolation;
  readonly workers?: number;
  readonly handlerUrl?: string;
  readonly settings?: unknown;
}

/** A pool over the fixture's function; closed when the test ends. */
export function makePool(options: TestPoolOptions = {}): TestPool {
  const { isolation = "thread", workers = 1, handlerUrl = functionUrl, settings } = options;
  const clock = new ManualClock();
  const said = new Signals();
  const events: JobEvent[] = [];
  const pool = new FunctionPool({
    handlerUrl,
    settings,
    isolation,
    workers,
    memoryLimitMb: memoryLimitMb[isolation],
    clock,
    timers: clock,
    onEvent: (event) => void events.push(event),
    onSend: (queue, body) => said.add(queue === "driver" ? body : `${queue}: ${body}`),
  });
  onTestFinished(() => pool.close());
  const workerOf = async (name: string): Promise<string> => {
    const [text = ""] = await said.next((each) => each.startsWith(`began ${name} `));
    return text.slice(`began ${name} `.length);
  };
  return {
    pool,
    clock,
    said,
    events,
    run: (payload, affinity) =>
      pool.run(payload, { deadlineAt: clock.now() + 60_000, ...(affinity !== undefined && { affinity }) }),
    workerOf,
    processOf: async (name) => Number.parseInt(await workerOf(name), 10),
  };
}

/** The worker goes on, or another one takes its place: either way the pool works. */
export async function countOf({ run, said }: TestPool): Promise<string | undefined> {
  await run({ do: "count" });
  return said.all.at(-2);
}

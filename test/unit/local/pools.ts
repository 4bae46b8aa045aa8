import type { JobEvent } from "@stampede/core";
import { ThreadPool } from "@stampede/local";
import { ManualClock } from "@stampede/testing";
import { onTestFinished } from "vitest";
import { Signals } from "../../support/signals.js";

export const functionUrl = new URL("../../fixtures/threads/function.js", import.meta.url).href;

export interface TestPool {
  readonly pool: ThreadPool;
  readonly clock: ManualClock;
  /** What the function said on queue `driver`. */
  readonly said: Signals;
  readonly events: JobEvent[];
  /** Runs with a deadline a minute from now. */
  readonly run: (payload: Readonly<Record<string, unknown>>, affinity?: string) => Promise<void>;
  /** The thread that began the payload of this name. */
  readonly threadOf: (name: string) => Promise<string>;
}

/** A pool over the fixture's function; closed when the test ends. */
export function makePool(
  options: { readonly threads?: number; readonly handlerUrl?: string; readonly settings?: unknown } = {},
): TestPool {
  const clock = new ManualClock();
  const said = new Signals();
  const events: JobEvent[] = [];
  const pool = new ThreadPool({
    handlerUrl: options.handlerUrl ?? functionUrl,
    settings: options.settings,
    threads: options.threads ?? 1,
    memoryLimitMb: 64,
    clock,
    timers: clock,
    onEvent: (event) => void events.push(event),
    onSend: (queue, body) => said.add(queue === "driver" ? body : `${queue}: ${body}`),
  });
  onTestFinished(() => pool.close());
  return {
    pool,
    clock,
    said,
    events,
    run: (payload, affinity) =>
      pool.run(payload, { deadlineAt: clock.now() + 60_000, ...(affinity !== undefined && { affinity }) }),
    threadOf: async (name) => {
      const [text = ""] = await said.next((each) => each.startsWith(`began ${name} `));
      return text.slice(`began ${name} `.length);
    },
  };
}

/** Shut for the fixture's `wait` until opened; for `meet` it is the meeting place. */
export class Gate {
  readonly buffer = new SharedArrayBuffer(8);

  /** Whether the fixture's `native` came to its end. */
  get isPassed(): boolean {
    return Atomics.load(new Int32Array(this.buffer), 1) === 1;
  }

  open(): void {
    const cells = new Int32Array(this.buffer);
    Atomics.store(cells, 0, 1);
    Atomics.notify(cells, 0);
  }
}

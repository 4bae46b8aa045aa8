import type { ErrorFacts, TaskMessage } from "@stampede/core";
import { FunctionPool, PoolExecutors, type Isolation } from "@stampede/local";
import { executorsContract, ManualClock, type ExecutorsHarness } from "@stampede/testing";
import { Signals } from "../support/signals.js";

const handlerUrl = new URL("../fixtures/threads/executor.js", import.meta.url).href;

const memoryLimitMb = { thread: 64, process: 192 } as const satisfies Record<Isolation, number>;

for (const isolation of ["thread", "process"] as const) {
  executorsContract(`PoolExecutors, each in a ${isolation}`, () => makeHarness(isolation));
}

function makeHarness(isolation: Isolation): Promise<ExecutorsHarness> {
  const clock = new ManualClock();
  const starts = new Signals();
  const reported = new Signals();
  const failures: { readonly task: TaskMessage; readonly error: ErrorFacts }[] = [];
  const pool = new FunctionPool({
    handlerUrl,
    settings: undefined,
    isolation,
    workers: 2,
    memoryLimitMb: memoryLimitMb[isolation],
    clock,
    timers: clock,
    onEvent: () => undefined,
    onSend: (_queue, body) => starts.add(body),
  });
  const executors = new PoolExecutors(pool, (task, error) => {
    failures.push({ task, error });
    reported.add(task.attemptId);
  });
  return Promise.resolve({
    executors,
    now: () => clock.now(),
    begun: async (attemptId) => {
      await starts.next((text) => text === attemptId);
      return starts.all.filter((text) => text === attemptId).length;
    },
    failed: async (attemptId) => {
      await reported.next((text) => text === attemptId);
      const found = failures.find(({ task }) => task.attemptId === attemptId);
      if (found === undefined) throw new Error(`no failure of ${attemptId}`);
      return found.error;
    },
    failures: () => failures.map(({ task }) => task),
    advance: (ms) => clock.advance(ms),
    close: () => pool.close(),
  });
}

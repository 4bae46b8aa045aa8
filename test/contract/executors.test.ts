import type { ErrorFacts, TaskMessage } from "@stampede/core";
import { ThreadExecutors, ThreadPool } from "@stampede/local";
import { executorsContract, ManualClock } from "@stampede/testing";
import { Signals } from "../support/signals.js";

const handlerUrl = new URL("../fixtures/threads/executor.js", import.meta.url).href;

executorsContract("ThreadExecutors", () => {
  const clock = new ManualClock();
  const starts = new Signals();
  const reported = new Signals();
  const failures: { readonly task: TaskMessage; readonly error: ErrorFacts }[] = [];
  const pool = new ThreadPool({
    handlerUrl,
    settings: undefined,
    threads: 2,
    memoryLimitMb: 64,
    clock,
    timers: clock,
    onEvent: () => undefined,
    onSend: (_queue, body) => starts.add(body),
  });
  const executors = new ThreadExecutors(pool, (task, error) => {
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
});

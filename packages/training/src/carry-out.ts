import { DeltaMessage, DriverMessage, encodeMessage, type Action, type JobSpec } from "@stampede/core";
import type { DriverDeps } from "./deps.js";
import { commitResult } from "./job-store.js";
import { cancelledResult, failedResult, succeededResult } from "./result.js";

/** Does what the state machine decided. Each action may be done twice: its effect is a commit that only the first makes. */
export async function carryOut(spec: JobSpec, action: Action, deps: DriverDeps): Promise<void> {
  const { store, queues, clock, executors, unique } = deps;
  const { job } = spec;
  switch (action.type) {
    case "start": {
      const { stage, partition, attempt, deadlineAt } = action;
      return executors.start({ version: 1, job, stage, partition, attempt, attemptId: unique.hex(16), deadlineAt });
    }
    case "aggregate":
      return queues.deltas.send(encodeMessage(DeltaMessage, { version: 1, type: "delta", job, round: action.round }));
    case "wake": {
      const body = encodeMessage(DriverMessage, { version: 1, type: "look", job, reason: "timer" });
      return queues.driver.send(body, { delayMs: Math.max(0, action.at - clock.now()) });
    }
    case "end": {
      const stamp = { token: unique.hex(16), endedAt: clock.now() };
      if (action.status === "cancelled") return commitResult(store, cancelledResult(job, stamp));
      if (action.status === "failed") return commitResult(store, failedResult(job, action.error, stamp));
      return commitResult(store, await succeededResult(store, spec, action.stage, stamp));
    }
    default:
      return action satisfies never;
  }
}

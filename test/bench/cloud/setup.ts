import type { CloudSetup } from "@stampede/testing/fan-out";
import { functions, type FunctionName } from "../../../infra/resources.js";

/** As in `functions/src/run-task.ts`. */
const stopCheckMs = 10_000;

/** What is deployed, as the simulation takes it. */
export function deployedSetup(): CloudSetup {
  const source = (name: FunctionName, queue: string): CloudSetup["sources"]["driver"] => {
    const found = functions[name].sources.find((each) => each.queue === queue);
    if (found === undefined) throw new Error(`Expected ${name} to be fed from the queue ${queue}.`);
    return { batchSize: found.batchSize, maxConcurrency: found.maxConcurrency };
  };
  const each = <T>(
    of: (name: "driver" | "parameter-server" | "executor") => T,
  ): Record<"driver" | "parameter-server" | "executor", T> => ({
    driver: of("driver"),
    "parameter-server": of("parameter-server"),
    executor: of("executor"),
  });
  return {
    memoryMb: each((name) => functions[name].memoryMb),
    timeoutSeconds: each((name) => functions[name].timeoutSeconds),
    sources: { driver: source("driver", "driver"), deltas: source("parameter-server", "deltas") },
    stopCheckMs,
  };
}

import type { CloudSetup } from "@stampede/testing/fan-out";
import { functions, type FunctionName } from "../../infra/resources.js";

/** As in `functions/src/run-task.ts`. */
const stopCheckMs = 10_000;

/** What is deployed, as the simulation takes it. */
export const deployedCloud: CloudSetup = {
  memoryMb: byRole((name) => functions[name].memoryMb),
  timeoutSeconds: byRole((name) => functions[name].timeoutSeconds),
  sources: { driver: sourceOf("driver", "driver"), deltas: sourceOf("parameter-server", "deltas") },
  stopCheckMs,
};

function byRole(of: (name: "driver" | "parameter-server" | "executor") => number): CloudSetup["memoryMb"] {
  return { driver: of("driver"), "parameter-server": of("parameter-server"), executor: of("executor") };
}

function sourceOf(name: FunctionName, queue: string): CloudSetup["sources"]["driver"] {
  const found = functions[name].sources.find((each) => each.queue === queue);
  if (found === undefined) throw new Error(`Expected ${name} to be fed from the queue ${queue}.`);
  return { batchSize: found.batchSize, maxConcurrency: found.maxConcurrency };
}

import { BatchExecutors, batchClient, failedInvocationOf } from "@stampede/aws";
import { executorsContract, ManualClock, type ExecutorsHarness } from "@stampede/testing";
import { vi } from "vitest";
import { startBatchRunner } from "../../infra/emulated/batch-runner/index.js";
import { listen } from "../support/listener.js";
import { ReportedFailures, timesHeard } from "../support/reported-failures.js";

vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
vi.stubEnv("AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED", "true");

const program = new URL("../fixtures/batch/program.js", import.meta.url).pathname;

executorsContract("BatchExecutors, on the local Batch runner", makeHarness);

async function makeHarness(): Promise<ExecutorsHarness> {
  const clock = new ManualClock();
  const listener = await listen();
  const failures = new ReportedFailures();
  const runner = await startBatchRunner({
    queues: [{ name: "executors" }],
    definitions: [{ name: "executor", command: [process.execPath, program], environment: { BEGUN_URL: listener.url } }],
    clock,
    timers: clock,
    onEvent: (event) => {
      const message = failedInvocationOf(JSON.stringify(event));
      if (message !== undefined) failures.add(message.task, message.error);
    },
  });
  const client = batchClient({ endpoint: runner.endpoint });
  return {
    executors: new BatchExecutors({ client, jobQueue: "executors", jobDefinition: "executor", clock }),
    now: () => clock.now(),
    // Batch takes no shorter timeout.
    shortestDeadlineMs: 60_000,
    begun: (attemptId) => timesHeard(listener.heard, attemptId),
    failed: (attemptId) => failures.of(attemptId),
    failures: () => failures.tasks(),
    advance: (ms) => clock.advance(ms),
    close: async () => {
      client.destroy();
      await runner.stop();
      await listener.close();
    },
  };
}

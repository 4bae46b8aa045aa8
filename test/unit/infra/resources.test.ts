import { describe, expect, it } from "vitest";
import { functionNames, functions, queuesFor } from "../../../infra/resources.js";

/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html and services-sqs-configure.html */
describe.each(functionNames)("the function %s keeps to the limits of Lambda", (name) => {
  const { memoryMb, timeoutSeconds, temporaryMb = 512, sources, failuresTo, access } = functions[name];
  const queues = queuesFor(functions);

  it("in memory, time and room for files", () => {
    expect(memoryMb).toBeGreaterThanOrEqual(128);
    // What new accounts are limited to.
    expect(memoryMb).toBeLessThanOrEqual(3008);
    expect(timeoutSeconds).toBeLessThanOrEqual(900);
    expect(temporaryMb).toBeGreaterThanOrEqual(512);
    expect(temporaryMb).toBeLessThanOrEqual(10_240);
  });

  it("in what wakes it", () => {
    for (const { queue, batchSize, maxConcurrency } of sources) {
      // More would need a window, in which rounds wait.
      expect(batchSize).toBeLessThanOrEqual(10);
      expect(maxConcurrency).toBeGreaterThanOrEqual(2);
      expect(maxConcurrency).toBeLessThanOrEqual(1000);
      expect(queues[queue].visibilitySeconds).toBeGreaterThanOrEqual(6 * timeoutSeconds);
      expect(queues[queue].visibilitySeconds).toBeLessThanOrEqual(43_200);
    }
  });

  it("and is invoked by somebody, whose failures are heard", () => {
    const invokers = functionNames.filter((other) => functions[other].access.invokes.includes(name));
    const { everyMinutes = 0, answersRequests = false } = functions[name];
    expect(sources.length + invokers.length + everyMinutes > 0 || answersRequests).toBe(true);
    expect(failuresTo !== undefined).toBe(invokers.length > 0);
    expect(access.objects).toContain("list");
  });
});

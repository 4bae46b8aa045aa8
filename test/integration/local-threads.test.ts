import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const program = join(import.meta.dirname, "../fixtures/threads/forgetful.js");

/** Runs a program that never closes its pool. A pool that kept the process alive would run into the time limit. */
function runForgetful(...actions: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, [program, ...actions], { timeout: 30_000 });
}

describe("a process with a pool of threads", () => {
  it("ends by itself when all threads are idle, closed or not", async () => {
    expect(await runForgetful("nothing", "nothing")).toEqual({ stdout: "result\n", stderr: "" });
    expect(await runForgetful()).toEqual({ stdout: "result\n", stderr: "" });
  });

  it("keeps what threads print off stdout, which belongs to results", async () => {
    expect(await runForgetful("print")).toEqual({ stdout: "result\n", stderr: "printed by the thread\n" });
  });

  it("ends with the error of a function that crashed", async () => {
    await expect(runForgetful("uncaught")).rejects.toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining("task.crashed"),
    });
  });
});

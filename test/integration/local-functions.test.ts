import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const program = join(import.meta.dirname, "../fixtures/threads/forgetful.js");

/** Runs a program that never closes its pool. A pool that kept the process alive would run into the time limit. */
function runForgetful(...actions: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, [program, ...actions], { timeout: 30_000 });
}

describe.each(["thread", "process"])("a process with a pool, each function in a %s", (isolation) => {
  it("ends by itself when all functions are idle, closed or not", async () => {
    expect(await runForgetful(isolation, "nothing", "nothing")).toEqual({ stdout: "result\n", stderr: "" });
    expect(await runForgetful(isolation)).toEqual({ stdout: "result\n", stderr: "" });
  });

  it("keeps what functions print off stdout, which belongs to results", async () => {
    expect(await runForgetful(isolation, "print")).toEqual({ stdout: "result\n", stderr: "printed by the function\n" });
  });

  it("ends with the error of a function that crashed", async () => {
    await expect(runForgetful(isolation, "uncaught")).rejects.toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining("task.crashed"),
    });
  });
});

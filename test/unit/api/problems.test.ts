import { errorCatalogue, StampedeError, type ErrorCode } from "@stampede/core";
import { MemoryObjectStore } from "@stampede/testing";
import { describe, expect, it } from "vitest";
import { apiWorld, codeOf } from "../../support/api.js";

/** A store in which reading fails with an error of the test's. */
class FailingStore extends MemoryObjectStore {
  error: Error | undefined;

  override async *list(prefix: string): ReturnType<MemoryObjectStore["list"]> {
    if (this.error !== undefined && prefix === "jobs/") throw this.error;
    yield* super.list(prefix);
  }
}

async function answerTo(error: Error): Promise<{ readonly response: Response; readonly logged: string }> {
  const store = new FailingStore();
  const world = apiWorld({ store });
  const headers = await world.token("read");
  store.error = error;
  return { response: await world.fetch("/v1/jobs", { headers }), logged: JSON.stringify(world.logged) };
}

describe("an error", () => {
  it.each(Object.keys(errorCatalogue) as ErrorCode[])("of code %s is a problem", async (code) => {
    const { response } = await answerTo(new StampedeError(code, "What was expected, what was found."));
    const { input } = errorCatalogue[code];
    expect(response.status >= 400 && response.status < (input ? 500 : 600)).toBe(true);
    expect(await codeOf(response)).toBe(code);
  });

  it("that nobody foresaw is told to the log, and to nobody else", async () => {
    const { response, logged } = await answerTo(new Error("secret path /secret/place/credentials"));
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(text).not.toMatch(/secret|credentials|at .*\.js/);
    expect(logged).toContain("/secret/place/credentials");
    expect(text).toContain(response.headers.get("x-request-id"));
  });

  it("quotes no control characters", async () => {
    const { response } = await answerTo(new StampedeError("job.not-found", "job \u001b[31m\u0000red"));
    expect(JSON.parse(await response.text())).toMatchObject({ detail: "job  [31m red" });
  });
});

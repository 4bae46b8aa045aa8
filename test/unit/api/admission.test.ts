import { describe, expect, it } from "vitest";
import { apiWorld, codeOf, digitsJob, posted } from "../../support/api.js";

describe("who is let in", () => {
  it("needs a good token on every path but those that are open to all", async () => {
    const world = apiWorld();
    for (const path of ["/health", "/openapi.json"]) expect((await world.fetch(path)).status).toBe(200);
    const bad = ["", "Bearer", "Bearer x", "Basic dXNlcjpwYXNz", "Bearer stampede_0123456789abcdef_" + "a".repeat(43)];
    for (const Authorization of bad) {
      const response = await world.fetch("/v1/jobs", { headers: { Authorization } });
      expect(response.headers.get("www-authenticate")).toBe("Bearer");
      expect(await codeOf(response)).toBe("api.unauthorized");
    }
    expect(await codeOf(await world.fetch("/v1/jobs"))).toBe("api.unauthorized");
  });

  it("needs the scope", async () => {
    const world = apiWorld();
    const [read, submit, admin] = [await world.token("read"), await world.token("submit"), await world.token("admin")];
    expect((await world.fetch("/v1/jobs", { headers: read })).status).toBe(200);
    const refused = await world.fetch("/v1/jobs", posted(digitsJob(), read));
    expect(await codeOf(refused)).toBe("api.forbidden");
    expect(world.sent).toEqual([]);
    expect((await world.fetch("/v1/jobs", posted(digitsJob(), submit))).status).toBe(202);
    expect((await world.fetch("/v1/jobs", posted(digitsJob(), admin))).status).toBe(202);
  });

  it("is not let in any more when the token has expired", async () => {
    const world = apiWorld();
    const headers = await world.token("read", world.clock.now() + 1000);
    expect((await world.fetch("/v1/jobs", { headers })).status).toBe(200);
    await world.clock.advance(1000);
    expect(await codeOf(await world.fetch("/v1/jobs", { headers }))).toBe("api.unauthorized");
  });

  it("is kept waiting when one token asks too often", async () => {
    const world = apiWorld({ limits: { requestsPerSecond: 3 } });
    const [mine, theirs] = [await world.token("read"), await world.token("read")];
    const statuses: number[] = [];
    for (let index = 0; index < 3; index++) statuses.push((await world.fetch("/v1/jobs", { headers: mine })).status);
    expect(statuses).toEqual([200, 200, 200]);
    const refused = await world.fetch("/v1/jobs", { headers: mine });
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(await codeOf(refused)).toBe("api.rate-limited");
    expect((await world.fetch("/v1/jobs", { headers: theirs })).status).toBe(200);
  });

  it("may not guess: after some failures an address is not listened to, whatever it sends", async () => {
    let address = "10.0.0.1";
    const world = apiWorld({ limits: { failuresPerMinute: 3 }, address: () => address });
    const headers = await world.token("read");
    for (let index = 0; index < 3; index++) {
      expect(await codeOf(await world.fetch("/v1/jobs"))).toBe("api.unauthorized");
    }
    expect(await codeOf(await world.fetch("/v1/jobs", { headers }))).toBe("api.rate-limited");
    address = "10.0.0.2";
    expect((await world.fetch("/v1/jobs", { headers })).status).toBe(200);
  });

  it("leaves a line in the log that names its token and has none in it", async () => {
    const world = apiWorld();
    const headers = await world.token("read");
    await world.fetch("/v1/jobs/some-job?follow=secret", { headers });
    await world.fetch("/v1/jobs", { headers: { Authorization: "Bearer guessed" } });
    expect(world.logged).toMatchObject([
      { method: "GET", path: "/v1/jobs/{job}", status: 404, token: headers["Authorization"]?.slice(16, 32) },
      { method: "GET", path: "/v1/jobs", status: 401, code: "api.unauthorized" },
    ]);
    expect(JSON.stringify(world.logged)).not.toContain(headers["Authorization"]?.slice(-43));
    expect(JSON.stringify(world.logged)).not.toMatch(/guessed|secret/);
  });
});

describe("what every answer carries", () => {
  it("keeps browsers from doing anything with it", async () => {
    const { headers } = await apiWorld().fetch("/health", { headers: { Origin: "https://evil.example" } });
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toBe("default-src 'none'; frame-ancestors 'none'");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("access-control-allow-origin")).toBeNull();
    expect(headers.get("x-request-id")).toMatch(/^[0-9a-f]{16}$/);
  });

  it("allows the web pages that were named, and no others", async () => {
    const world = apiWorld({ origins: ["https://app.example"] });
    const from = async (Origin: string): Promise<string | null> =>
      (await world.fetch("/health", { headers: { Origin } })).headers.get("access-control-allow-origin");
    expect(await from("https://app.example")).toBe("https://app.example");
    expect(await from("https://evil.example")).toBeNull();
  });

  it("is a problem for a path that is none, and for a method that is not there", async () => {
    const world = apiWorld();
    expect(await codeOf(await world.fetch("/v2/jobs"))).toBe("api.not-found");
    expect(await codeOf(await world.fetch("/v1/jobs", { method: "DELETE" }))).toBe("api.not-found");
    expect(await codeOf(await world.fetch("/v1/jobs/../../etc/passwd"))).toBe("api.not-found");
  });
});

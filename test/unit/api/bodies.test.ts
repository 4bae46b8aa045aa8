import { beforeEach, describe, expect, it } from "vitest";
import { apiWorld, codeOf, digitsJob, posted, type ApiWorld } from "../../support/api.js";

let world: ApiWorld;
let headers: Record<string, string>;
beforeEach(async () => {
  world = apiWorld({ limits: { bodyMs: 20, uploadPauseMs: 20, uploadBytes: 1000 } });
  headers = await world.token("submit");
});

async function refusal(init: RequestInit): Promise<string> {
  const code = await codeOf(await world.fetch("/v1/jobs", init));
  expect(world.sent).toEqual([]);
  return code;
}

/** A body that comes in pieces, of which the last never comes if `stays`. */
function streamed(pieces: readonly string[], stays = false, type = "application/json"): RequestInit {
  const encoder = new TextEncoder();
  let next = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = pieces[next++];
      if (piece !== undefined) controller.enqueue(encoder.encode(piece));
      else if (!stays) controller.close();
      else return new Promise<void>(() => undefined);
      return undefined;
    },
  });
  return { method: "POST", body, duplex: "half", headers: { "Content-Type": type, ...headers } };
}

const nested = (depth: number): string => `${'{"model":'.repeat(depth)}1${"}".repeat(depth)}`;

describe("a body", () => {
  it("that is too large is refused by its length, and by its bytes where the length is not told", async () => {
    const huge = `{"name":"${"x".repeat(9 * 2 ** 20)}"}`;
    expect(await refusal({ ...posted(huge, headers) })).toBe("api.too-large");
    const pieces = Array.from({ length: 90 }, () => "x".repeat(100_000));
    const response = await world.fetch("/v1/jobs", streamed(pieces));
    expect(response.headers.get("connection")).toBe("close");
    expect(await codeOf(response)).toBe("api.too-large");
  });

  it("that does not come is not waited for", async () => {
    expect(await refusal(streamed(['{"name":'], true))).toBe("api.too-slow");
  });

  it("that comes in pieces is put together", async () => {
    const text = JSON.stringify(digitsJob());
    const pieces = [text.slice(0, 10), text.slice(10, 11), text.slice(11)];
    expect((await world.fetch("/v1/jobs", streamed(pieces))).status).toBe(202);
  });

  it.each([
    ["no JSON", "{"],
    ["nothing", ""],
    ["too deep", nested(100_000)],
    ["too many values", JSON.stringify({ model: { a: Array.from({ length: 600_000 }, () => 0) } })],
    ["__proto__", '{"name":"x","__proto__":{"isAdmin":true}}'],
    ["constructor", '{"name":"x","model":{"constructor":{"prototype":{"isAdmin":true}}}}'],
    ["prototype", '{"model":{"layers":[{"prototype":1}]}}'],
  ])("is refused: %s", async (_, text) => {
    expect(await refusal(posted(text, headers))).toBe("api.invalid-request");
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
  });

  it("is refused when it is compressed, no UTF-8, or of another type", async () => {
    const body = JSON.stringify(digitsJob());
    expect(await refusal(posted(body, { ...headers, "Content-Encoding": "gzip" }))).toBe("api.invalid-request");
    expect(await refusal(posted(body, { ...headers, "Content-Type": "text/plain" }))).toBe("api.invalid-request");
    const bytes = Uint8Array.of(0x22, 0xff, 0x22);
    const type = { "Content-Type": "application/json", ...headers };
    expect(await refusal({ method: "POST", body: bytes, headers: type })).toBe("api.invalid-request");
  });

  it.each([
    ["an unknown field", { ...digitsJob(), script: "rm -rf /" }],
    ["a model that is a path", { ...digitsJob(), model: "./model.ts" }],
    ["a seed that is text", digitsJob({ seed: "7" })],
    ["a list", [digitsJob()]],
    ["null", null],
  ])("is refused by its schema: %s", async (_, body) => {
    expect(await refusal(posted(body, headers))).toBe("job-file.invalid");
  });
});

describe("an upload", () => {
  const place = `/v1/uploads/${"a".repeat(32)}/points.csv`;
  const put = (init: RequestInit): Promise<Response> => world.fetch(place, { ...init, method: "PUT" });

  it("is kept whole or not at all", async () => {
    expect(await codeOf(await put(streamed(["x".repeat(600), "x".repeat(600)], false)))).toBe("api.too-large");
    expect(await codeOf(await put(streamed(["x,y\n"], true)))).toBe("api.too-slow");
    expect(await codeOf(await put(streamed([])))).toBe("upload.invalid");
    for await (const { key } of world.store.list("uploads/")) expect.unreachable(key);
    const kept = await put(streamed(["x,y\n", "1,2\n"]));
    expect(kept.status).toBe(201);
    expect(await kept.json()).toMatchObject({ file: `upload://${"a".repeat(32)}/points.csv`, bytes: 8 });
    expect(await codeOf(await put(streamed(["other"])))).toBe("upload.invalid");
  });

  it.each(["..%2f..%2fetc", "a/b.csv", ".hidden", "a%00b", "x".repeat(200)])("has no name like %s", async (name) => {
    const init = { ...streamed(["x"]), method: "PUT" };
    const response = await world.fetch(`/v1/uploads/${"a".repeat(32)}/${name}`, init);
    expect(["api.invalid-request", "api.not-found"]).toContain(await codeOf(response));
    const other = await world.fetch(`/v1/uploads/not-an-id/points.csv`, init);
    expect(await codeOf(other)).toBe("api.invalid-request");
  });
});

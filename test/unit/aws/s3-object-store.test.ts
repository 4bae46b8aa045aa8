import { RequestMeter, s3Client, S3ObjectStore } from "@stampede/aws";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { refusal, startScriptedS3, type Answer, type Asked, type ScriptedS3 } from "./s3-server.js";

let server: ScriptedS3;
let answer: (asked: Asked, number: number) => Answer | "reset";
const meter = new RequestMeter();
/** Not to wait for long. */
const retries = { firstDelayMs: 1, throttledDelayMs: 1, longestDelayMs: 5 };

beforeEach(async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  meter.reset();
  server = await startScriptedS3((asked, number) => answer(asked, number));
});
afterEach(async () => {
  await server.close();
  vi.unstubAllEnvs();
});

const open = (): S3ObjectStore =>
  new S3ObjectStore({ client: s3Client({ endpoint: server.endpoint, meter, retries }), bucket: "jobs" });
const one = new TextEncoder().encode("one");

describe("what S3 refuses", () => {
  const get = (store: S3ObjectStore): Promise<unknown> => store.get("a/b");
  const head = (store: S3ObjectStore): Promise<unknown> => store.head("a/b");
  const create = (store: S3ObjectStore): Promise<unknown> => store.create("a/b", one);
  const replace = (store: S3ObjectStore): Promise<unknown> => store.replace("a/b", one, '"1"');
  const remove = (store: S3ObjectStore): Promise<unknown> => store.delete("a/b");
  const list = async (store: S3ObjectStore): Promise<void> => {
    for await (const { key } of store.list("a/")) expect(key).toBe("none");
  };

  it.each([
    { name: "get", call: get, permission: "s3:GetObject", hint: "without it S3 answers 403 where 404 was meant" },
    { name: "head", call: head, permission: "s3:GetObject", hint: "without it S3 answers 403 where 404 was meant" },
    { name: "create", call: create, permission: "s3:PutObject", hint: "the policy" },
    { name: "replace", call: replace, permission: "s3:PutObject", hint: "the policy" },
    { name: "delete", call: remove, permission: "s3:DeleteObject", hint: "the policy" },
    { name: "list", call: list, permission: "s3:ListBucket", hint: "the policy" },
  ])("$name without permission says which", async ({ call, permission, hint }) => {
    answer = () => refusal(403, "AccessDenied");
    await expect(call(open())).rejects.toMatchObject({
      code: "store.forbidden",
      message: expect.stringContaining(`Expected to be allowed ${permission} on s3://jobs/a/`),
      details: { permission },
    });
    await expect(call(open())).rejects.toThrow(hint);
  });

  it.each([
    {
      status: 403,
      error: "SignatureDoesNotMatch",
      code: "store.forbidden",
      says: "Expected credentials that AWS knows",
    },
    { status: 403, error: "InvalidAccessKeyId", code: "store.forbidden", says: "Expected credentials that AWS knows" },
    { status: 400, error: "ExpiredToken", code: "store.forbidden", says: "Expected credentials that AWS knows" },
    { status: 404, error: "NoSuchBucket", code: "store.not-writable", says: "found none of that name" },
    { status: 301, error: "PermanentRedirect", code: "store.not-writable", says: "Set AWS_REGION" },
    { status: 400, error: "AuthorizationHeaderMalformed", code: "store.not-writable", says: "Set AWS_REGION" },
    { status: 400, error: "BadDigest", code: "store.unavailable", says: "BadDigest: it is so. It can be tried again" },
    { status: 405, error: "MethodNotAllowed", code: "store.unavailable", says: "It can be tried again" },
  ])("with $error is $code", async ({ status, error, code, says }) => {
    answer = () => refusal(status, error);
    for (const call of [get, create, replace, remove, list]) {
      await expect(call(open())).rejects.toMatchObject({ code, message: expect.stringContaining(says) });
    }
  });

  it("names the permission of the second look, when that is what is missing", async () => {
    answer = ({ method }, number) => {
      if (method === "HEAD") return { status: 403 };
      return number === 1 ? "reset" : refusal(412, "PreconditionFailed");
    };
    await expect(create(open())).rejects.toMatchObject({
      code: "store.forbidden",
      message: expect.stringContaining("s3:GetObject"),
    });
  });

  it("without credentials nothing is asked", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "");
    vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
    vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere");
    vi.stubEnv("AWS_CONFIG_FILE", "/nowhere");
    await expect(get(open())).rejects.toMatchObject({ code: "store.forbidden" });
    expect(server.asked).toEqual([]);
  });
});

describe("a write", () => {
  const done: Answer = { status: 200, headers: { etag: '"1"' } };

  it("is sent under its condition, with a checksum and a token of its own", async () => {
    answer = () => done;
    expect(await open().create("a/b", one)).toEqual({ etag: '"1"' });
    expect(await open().replace("a/b", one, '"0"')).toEqual({ etag: '"1"' });
    const [created, replaced] = server.asked;
    expect(created).toMatchObject({ method: "PUT", body: "one", headers: { "if-none-match": "*" } });
    expect(created?.url).toMatch(/^\/jobs\/a\/b\?/);
    expect(created?.headers["x-amz-checksum-crc32"]).toBeTypeOf("string");
    expect(replaced?.headers).toMatchObject({ "if-match": '"0"' });
    const tokens = server.asked.map(({ headers }) => headers["x-amz-meta-stampede-write"]);
    expect(new Set(tokens).size).toBe(2);
  });

  it("is sent again with the same token, and knows itself by it", async () => {
    const token = ({ headers }: Asked): string => String(headers["x-amz-meta-stampede-write"]);
    answer = (asked, number) => {
      if (asked.method === "HEAD") {
        const first = server.asked[0];
        const mine = first === undefined ? "" : token(first);
        return { status: 200, headers: { etag: '"mine"', "content-length": "3", "x-amz-meta-stampede-write": mine } };
      }
      return number === 1 ? "reset" : refusal(412, "PreconditionFailed");
    };
    expect(await open().create("a/b", one)).toEqual({ etag: '"mine"' });
    const [first, second] = server.asked.map(token);
    expect(second).toBe(first);
    expect(meter.counts()).toEqual({ "s3:PutObject": 2, "s3:HeadObject": 1 });
  });

  it.each(["ConditionalRequestConflict", "OperationAborted"])("meets %s, and is sent again", async (code) => {
    answer = (_, number) => (number < 4 ? refusal(409, code) : done);
    expect(await open().replace("a/b", one, '"0"')).toEqual({ etag: '"1"' });
    expect(server.asked.map(({ headers }) => headers["if-match"])).toEqual(['"0"', '"0"', '"0"', '"0"']);
  });

  it("of an object that is gone is lost", async () => {
    answer = () => refusal(404, "NoSuchKey");
    expect(await open().replace("a/b", one, '"0"')).toBe("conflict");
  });

  it("that S3 throttles is tried eight times", async () => {
    answer = () => refusal(503, "SlowDown");
    await expect(open().delete("a/b")).rejects.toMatchObject({ code: "store.unavailable" });
    expect(meter.counts()).toEqual({ "s3:DeleteObject": 8 });
  });
});

describe("an answer to another question", () => {
  it("is not taken for the range that was asked for", async () => {
    answer = () => ({ status: 200, headers: { etag: '"1"', "content-length": "10" }, body: "0123456789" });
    await expect(open().get("a/b", { start: 2, end: 4 })).rejects.toMatchObject({ code: "store.unavailable" });
  });

  it("is not taken for the object: its checksum is another's", async () => {
    const headers = { etag: '"1"', "content-length": "3", "x-amz-checksum-crc32": "AAAAAA==" };
    answer = () => ({ status: 200, headers, body: "one" });
    await expect(open().get("a/b")).rejects.toThrow(/Checksum mismatch/);
    expect(server.asked).toHaveLength(3);
  });
});

describe("a list", () => {
  const page = (keys: readonly string[], next?: string): Answer => {
    const contents = keys.map(
      (key) =>
        `<Contents><Key>${key}</Key><Size>1</Size><LastModified>2026-11-28T17:00:00.000Z</LastModified></Contents>`,
    );
    const more = next === undefined ? "" : `<NextContinuationToken>${next}</NextContinuationToken>`;
    return { status: 200, body: `<ListBucketResult>${contents.join("")}${more}</ListBucketResult>` };
  };

  it("is in the order of UTF-16, over pages in that of UTF-8", async () => {
    const pages = [["a", "b\u{e9}", "b\u{ffff}c".replace("\u{ffff}", "\u{ff5e}")], ["b\u{1f600}", "c"], ["d"]];
    answer = ({ url }) => {
      const at = Number(new URL(url, server.endpoint).searchParams.get("continuation-token") ?? 0);
      return page(pages[at] ?? [], at + 1 < pages.length ? String(at + 1) : undefined);
    };
    const found: string[] = [];
    for await (const { key } of open().list("")) found.push(key);
    expect(found).toEqual(pages.flat().toSorted());
    expect(found).not.toEqual(pages.flat());
  });

  it("asks for no page that nobody reads", async () => {
    answer = () => page(["a"], "next");
    for await (const { key, modifiedAt } of open().list("")) {
      expect([key, modifiedAt]).toEqual(["a", Date.UTC(2026, 10, 28, 17)]);
      break;
    }
    expect(server.asked).toHaveLength(1);
  });
});

it.each(["", "a\u{0}b", "a/../b", "./a", "a\ud800", "ä".repeat(513)])("the key %j is refused", async (key) => {
  answer = () => ({ status: 200, headers: { etag: '"1"' } });
  const store = open();
  const calls = [
    store.get(key),
    store.head(key),
    store.create(key, one),
    store.replace(key, one, "1"),
    store.delete(key),
  ];
  for (const outcome of await Promise.allSettled(calls)) {
    expect(outcome).toMatchObject({ status: "rejected", reason: { code: "store.invalid-key" } });
  }
  expect(server.asked).toEqual([]);
});

it("parts smaller than S3 takes are refused", () => {
  const client = s3Client({ endpoint: server.endpoint });
  expect(() => new S3ObjectStore({ client, bucket: "jobs", partBytes: 1 })).toThrow(RangeError);
});

import type { S3Client } from "@aws-sdk/client-s3";
import { s3Client, S3ObjectStore } from "@stampede/aws";
import type { ObjectStore, WriteOutcome } from "@stampede/core";
import type { WireFault } from "@stampede/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { useTestCredentials } from "./support/credentials.js";
import { bucket, useProxiedCloud } from "./support/proxied-cloud.js";
import { largeBody, openUploads, storeOfSmallParts, streamOf } from "./support/s3-stores.js";

useTestCredentials();
/** Not to wait for long. */
const retries = { attempts: 5, firstDelayMs: 50 };
const cloud = useProxiedCloud();
let client: S3Client;
let store: ObjectStore;
/** Past the proxy. */
let truth: ObjectStore;

beforeEach(() => {
  client = s3Client({ endpoint: cloud.proxy.endpoint, retries });
  store = storeOfSmallParts({ client, bucket });
  truth = new S3ObjectStore({ client: cloud.truth.s3, bucket });
});
afterEach(() => client.destroy());

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const lost: WireFault = { kind: "lost-reply" };
const failed: WireFault = { kind: "error-after", error: "internal" };
const refused: WireFault = { kind: "error-before", error: "unavailable" };
const conflict: WireFault = { kind: "conflict" };

async function etagOf(writing: Promise<WriteOutcome>): Promise<string> {
  const outcome = await writing;
  if (outcome === "conflict") throw new Error("expected the write to win, found conflict");
  return outcome.etag;
}

/** How often each operation was asked for. */
const requests = () => cloud.proxy.counts().requests;

describe.each([{ fault: lost }, { fault: failed }])("a write that took effect, with $fault.kind", ({ fault }) => {
  it("is known again by its creator", async () => {
    const key = cloud.fresh("created");
    cloud.script(fault, "s3.create");
    const etag = await etagOf(store.create(key, bytes("mine")));
    expect(await truth.head(key)).toEqual({ bytes: 4, etag });
    expect(requests()).toEqual({ "s3.create": 2, "s3.head": 1 });
  });

  it("is known again by who replaced the object", async () => {
    const key = cloud.fresh("replaced");
    const before = await etagOf(truth.create(key, bytes("before")));
    cloud.script(fault, "s3.replace");
    const etag = await etagOf(store.replace(key, bytes("mine"), before));
    expect(await truth.head(key)).toEqual({ bytes: 4, etag });
  });

  it("is known again when no try was answered", async () => {
    const key = cloud.fresh("unanswered");
    const unavailable = { fault: refused, nth: [2, 3, 4, 5] };
    cloud.proxy.setPlan({
      rules: [
        { fault, nth: 1, operations: ["s3.create"] },
        { ...unavailable, operations: ["s3.create"] },
      ],
    });
    const etag = await etagOf(store.create(key, bytes("mine")));
    expect(await truth.head(key)).toEqual({ bytes: 4, etag });
  });

  it("in parts is known again", async () => {
    const key = cloud.fresh("upload");
    cloud.script(fault, "s3.multipart-complete");
    const etag = await etagOf(store.create(key, largeBody(11 * 2 ** 20)));
    expect(await truth.head(key)).toEqual({ bytes: 11 * 2 ** 20, etag });
  });
});

describe("a write that met somebody else's", () => {
  it("is lost, also when bodies are equal and it was sent twice", async () => {
    const key = cloud.fresh("equal");
    await truth.create(key, bytes("equal"));
    cloud.script({ kind: "reset-before" }, "s3.create");
    expect(await store.create(key, bytes("equal"))).toBe("conflict");
    expect(requests()).toEqual({ "s3.create": 2, "s3.head": 1 });
  });

  it("is lost without a second look when it was sent once", async () => {
    const key = cloud.fresh("lost");
    await truth.create(key, bytes("theirs"));
    expect(await store.create(key, bytes("mine"))).toBe("conflict");
    expect(await store.replace(key, bytes("mine"), '"another"')).toBe("conflict");
    expect(requests()).toEqual({ "s3.create": 1, "s3.replace": 1 });
  });

  it("after 409 is tried again, and then lost or won", async () => {
    const key = cloud.fresh("conflicting");
    cloud.script(conflict, "s3.create", [1, 2, 3]);
    const etag = await etagOf(store.create(key, bytes("mine")));
    expect(requests()).toEqual({ "s3.create": 4 });
    cloud.script(conflict, "s3.replace");
    const next = await etagOf(store.replace(key, bytes("mine too"), etag));
    cloud.script(conflict, "s3.replace");
    expect(await store.replace(key, bytes("late"), etag)).toBe("conflict");
    expect(await truth.head(key)).toEqual({ bytes: 8, etag: next });
  });

  it("for ever gives up, and has written nothing", async () => {
    const key = cloud.fresh("conflicting");
    cloud.script(
      conflict,
      "s3.create",
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
    await expect(store.create(key, bytes("mine"))).rejects.toMatchObject({ code: "store.unavailable" });
    expect(requests()).toEqual({ "s3.create": 11 });
    expect(await truth.head(key)).toBeUndefined();
  });
});

describe("an upload in parts", () => {
  const body = largeBody(11 * 2 ** 20);

  it("is made anew when its completion stays in conflict", async () => {
    const key = cloud.fresh("anew");
    cloud.script(conflict, "s3.multipart-complete", [1, 2, 3, 4, 5]);
    await etagOf(store.create(key, body));
    expect(requests()).toMatchObject({ "s3.multipart-begin": 2, "s3.multipart-complete": 6, "s3.multipart-abort": 1 });
    expect(Buffer.compare((await truth.get(key))?.body ?? new Uint8Array(), body)).toBe(0);
    expect(await openUploads(cloud.truth.s3, bucket)).toEqual([]);
  });

  it("never holds more of a stream than a few parts", async () => {
    const whole = largeBody(60 * 2 ** 20);
    cloud.proxy.setPlan({ rules: [{ fault: { kind: "slow", ms: 50 }, chance: 1, operations: ["s3.multipart-part"] }] });
    const sent = () =>
      cloud.proxy.log().filter(({ part, status }) => part.startsWith("part ") && status === 200).length;
    let taken = 0;
    let held = 0;
    async function* watched(): AsyncGenerator<Uint8Array> {
      for await (const chunk of streamOf(whole)) {
        taken += chunk.length;
        held = Math.max(held, taken - sent() * 5 * 2 ** 20);
        yield chunk;
      }
    }
    await etagOf(store.create(cloud.fresh("stream"), watched()));
    expect(sent()).toBe(12);
    // Two under way, one that is filled, and the chunk that fills it.
    expect(held).toBeLessThan(3 * 5 * 2 ** 20 + 2_000_000);
  });

  it("of which a part fails for good ends there: the stream is closed, and nothing stays", async () => {
    const key = cloud.fresh("part");
    const huge = largeBody(60 * 2 ** 20);
    let isClosed = false;
    async function* watched(): AsyncGenerator<Uint8Array> {
      try {
        yield* streamOf(huge);
      } finally {
        isClosed = true;
      }
    }
    cloud.proxy.setPlan({ rules: [{ fault: refused, chance: 1, operations: ["s3.multipart-part"] }] });
    await expect(store.create(key, watched())).rejects.toMatchObject({ code: "store.unavailable" });
    expect(isClosed).toBe(true);
    const parts = cloud.proxy.log().filter(({ operation }) => operation === "s3.multipart-part");
    expect(new Set(parts.map(({ part }) => part)).size).toBeLessThan(12);
    expect(await openUploads(cloud.truth.s3, bucket)).toEqual([]);
    expect(await truth.head(key)).toBeUndefined();
  });
});

describe.each([{ fault: { kind: "truncated", at: 0.5 } }, { fault: { kind: "corrupted", at: 0.5 } }] as const)(
  "a read that is $fault.kind",
  ({ fault }) => {
    it("is made again", async () => {
      const key = cloud.fresh("small");
      await truth.create(key, bytes("0123456789"));
      cloud.script(fault, "s3.get", [1, 2]);
      expect((await store.get(key))?.body).toEqual(bytes("0123456789"));
      expect(requests()).toEqual({ "s3.get": 3 });
    });

    it("again and again is an error, and never a wrong body", async () => {
      const key = cloud.fresh("small");
      await truth.create(key, bytes("0123456789"));
      cloud.script(fault, "s3.get", [1, 2, 3]);
      await expect(store.get(key)).rejects.toMatchObject({ code: "store.unavailable" });
    });

    it("of a part of a large object is made again", async () => {
      const key = cloud.fresh("large");
      const body = largeBody(16 * 2 ** 20);
      // In one piece, so that a checksum of the whole is kept by this emulator too.
      await truth.create(key, bytes("before"));
      const before = (await truth.head(key))?.etag ?? "";
      await etagOf(truth.replace(key, body, before));
      cloud.script(fault, "s3.get-range", 2);
      expect(Buffer.compare((await store.get(key))?.body ?? new Uint8Array(), body)).toBe(0);
    });
  },
);

it("a range that is cut short is read again", async () => {
  const key = cloud.fresh("range");
  await truth.create(key, bytes("0123456789"));
  cloud.script({ kind: "truncated", at: 0.5 }, "s3.get-range");
  expect((await store.get(key, { start: 2, end: 8 }))?.body).toEqual(bytes("234567"));
});

it("an object that is deleted while it is read in parts is not there", async () => {
  const key = cloud.fresh("deleted");
  await etagOf(truth.create(key, largeBody(16 * 2 ** 20)));
  cloud.script({ kind: "slow", ms: 1_000 }, "s3.get");
  const read = store.get(key);
  await expect.poll(() => cloud.proxy.log().length).toBe(1);
  await expect.poll(() => cloud.proxy.log()[0]?.upstreamStatus).toBe(200);
  await truth.delete(key);
  expect(await read).toBeUndefined();
});

it("nobody there is an error within the SDK's tries", async () => {
  cloud.proxy.setPlan({ partitioned: true });
  await expect(store.get("any")).rejects.toMatchObject({ code: "store.unavailable" });
  await expect(store.create("any", bytes("mine"))).rejects.toMatchObject({ code: "store.unavailable" });
});

import type { Transfer } from "@stampede/api";
import { Upload } from "@stampede/api/contract";
import { keys, StampedeError, UploadId, UploadName, type ObjectStore } from "@stampede/core";
import { MemoryObjectStore } from "@stampede/testing";
import { beforeEach, describe, expect, it } from "vitest";
import { apiWorld, codeOf, posted, type ApiWorld } from "../../support/api.js";

/** Addresses of a store in memory: what S3 does with them a test does by hand. */
function addressesOf(store: ObjectStore): { readonly transfer: Transfer; readonly asked: string[] } {
  const asked: string[] = [];
  const address = (kind: string, key: string, options: object): Promise<string> => {
    asked.push(`${kind} ${key} ${JSON.stringify(options)}`);
    return Promise.resolve(`https://store.example/${key}?signed=${asked.length}`);
  };
  const presigner: Extract<Transfer, { by: "addresses" }>["presigner"] = {
    get: (key, options) => address("get", key, options),
    put: (key, options) => address("put", key, options),
    startParts: (key) => Promise.resolve(`session of ${key}`),
    putPart: (key, options) => address("part", key, options),
    async completeParts(key, session, etags) {
      if (etags.length !== 3) throw new StampedeError("upload.not-found", "Expected three parts, found others.");
      asked.push(`complete ${key} ${session}`);
      await store.create(key, new Uint8Array(10));
    },
  };
  return { transfer: { by: "addresses", presigner }, asked };
}

let store: MemoryObjectStore;
let world: ApiWorld;
let asked: string[];
let headers: Record<string, string>;
beforeEach(async () => {
  store = new MemoryObjectStore();
  const addresses = addressesOf(store);
  ({ asked } = addresses);
  world = apiWorld({ store, transfer: addresses.transfer, limits: { uploadBytes: 200 * 2 ** 20 } });
  headers = await world.token("submit");
});

const start = (body: object): Promise<Response> => world.fetch("/v1/uploads", posted(body, headers));
const complete = (upload: string, body: object): Promise<Response> =>
  world.fetch(`/v1/uploads/${upload}/complete`, posted(body, headers));

describe("an upload past the endpoint", () => {
  it("has one address for a small file, good for a quarter of an hour and for its size alone", async () => {
    const { upload, parts, file, expiresAt } = Upload.parse(await (await start({ name: "a.csv", bytes: 10 })).json());
    expect(asked).toEqual([`put uploads/${upload}/a.csv {"seconds":900,"bytes":10}`]);
    expect(parts).toHaveLength(1);
    expect(expiresAt).toBe(world.clock.now() + 900_000);
    expect(await codeOf(await complete(upload, { name: "a.csv", bytes: 10 }))).toBe("upload.not-found");
    await store.create(keys.upload(UploadId.parse(upload), UploadName.parse("a.csv")), new Uint8Array(10));
    expect(await (await complete(upload, { name: "a.csv", bytes: 10 })).json()).toEqual({ upload, file, bytes: 10 });
  });

  it("of other bytes than were announced is removed", async () => {
    const { upload } = Upload.parse(await (await start({ name: "a.csv", bytes: 10 })).json());
    const key = keys.upload(UploadId.parse(upload), UploadName.parse("a.csv"));
    await store.create(key, new Uint8Array(11));
    expect(await codeOf(await complete(upload, { name: "a.csv", bytes: 10 }))).toBe("upload.invalid");
    expect(await store.head(key)).toBeUndefined();
  });

  it("has an address for each part of a large file, whose sizes add up", async () => {
    const bytes = 130 * 2 ** 20;
    const { upload, parts, session } = Upload.parse(await (await start({ name: "a.csv", bytes })).json());
    expect(parts.map((part) => part.bytes)).toEqual([64 * 2 ** 20, 64 * 2 ** 20, 2 * 2 ** 20]);
    expect(await codeOf(await complete(upload, { name: "a.csv", bytes: 10, session, etags: ["a"] }))).toBe(
      "upload.not-found",
    );
    const done = await complete(upload, { name: "a.csv", bytes: 10, session, etags: ["a", "b", "c"] });
    expect(done.status).toBe(200);
  });

  it("is not larger than allowed, and does not come through the endpoint", async () => {
    expect(await codeOf(await start({ name: "a.csv", bytes: 201 * 2 ** 20 }))).toBe("upload.invalid");
    const put = await world.fetch(`/v1/uploads/${"a".repeat(32)}/a.csv`, { method: "PUT", body: "x", headers });
    expect(await codeOf(put)).toBe("upload.invalid");
    expect(asked).toEqual([]);
  });

  it.each(["../a.csv", "a/b", "", ".a", "a\0b", "ä.csv"])("has no name like %j", async (name) => {
    expect(await codeOf(await start({ name, bytes: 1 }))).toBe("job-file.invalid");
  });
});

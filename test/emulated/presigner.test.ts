import { s3Client, S3ObjectStore, S3Presigner } from "@stampede/aws";
import { keys, UploadId, UploadName } from "@stampede/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startMiniStack, type MiniStack } from "../../infra/emulated/ministack.js";
import { useTestCredentials } from "./support/credentials.js";
import { createBucket } from "./support/s3-stores.js";

useTestCredentials();
let ministack: MiniStack;
let store: S3ObjectStore;
let presigner: S3Presigner;
beforeAll(async () => {
  ministack = await startMiniStack();
  const settings = { endpoint: ministack.endpoint };
  const client = s3Client(settings);
  const bucket = await createBucket(client);
  store = new S3ObjectStore({ client, bucket });
  presigner = new S3Presigner({ settings, bucket });
});
afterAll(async () => {
  presigner.close();
  await ministack.stop();
});

const key = (name: string): string => keys.upload(UploadId.parse("a".repeat(32)), UploadName.parse(name));

describe("addresses of S3 that are signed for a moment", () => {
  it("take an object from somebody without credentials, and give it back as a file", async () => {
    const body = "x,y\n1,2\n";
    const place = await presigner.put(key("small.csv"), { seconds: 60, bytes: body.length });
    expect((await fetch(place, { method: "PUT", body })).status).toBe(200);
    expect(await store.head(key("small.csv"))).toMatchObject({ bytes: body.length });
    const part = await store.get(key("small.csv"), { start: 4, end: 7 });
    expect(new TextDecoder().decode(part?.body)).toBe("1,2");
    const address = await presigner.get(key("small.csv"), { seconds: 60, fileName: "s.csv", type: "text/csv" });
    const answer = await fetch(address);
    expect(await answer.text()).toBe(body);
    expect(answer.headers.get("content-disposition")).toBe('attachment; filename="s.csv"');
  });

  it("take an object in parts, and refuse one whose parts are not there", async () => {
    const parts = [Buffer.alloc(5 * 2 ** 20, "a"), Buffer.from("the end")];
    const session = await presigner.startParts(key("large.bin"));
    const etags: string[] = [];
    for (const [index, body] of parts.entries()) {
      const place = { session, part: index + 1, seconds: 60, bytes: body.length };
      const answer = await fetch(await presigner.putPart(key("large.bin"), place), { method: "PUT", body });
      etags.push(answer.headers.get("etag") ?? "");
    }
    const wrong = presigner.completeParts(key("large.bin"), "no-such-session", etags);
    await expect(wrong).rejects.toMatchObject({ code: "upload.not-found" });
    await presigner.completeParts(key("large.bin"), session, etags);
    expect(await store.head(key("large.bin"))).toMatchObject({ bytes: 5 * 2 ** 20 + 7 });
  });
});

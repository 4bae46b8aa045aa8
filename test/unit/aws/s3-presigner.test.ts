import { S3Presigner } from "@stampede/aws";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const presigner = new S3Presigner({ settings: { environment: { AWS_REGION: "eu-central-1" } }, bucket: "jobs" });
beforeEach(() => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE").stubEnv("AWS_SECRET_ACCESS_KEY", "not-a-secret");
});
afterEach(() => {
  vi.unstubAllEnvs();
});
afterAll(() => presigner.close());

function signedIn(address: string): Record<string, string> {
  return Object.fromEntries(new URL(address).searchParams);
}

describe("an address of S3", () => {
  it("to put an object to is for its size alone, wants no checksum, and expires", async () => {
    const address = await presigner.put("uploads/a/points.csv", { seconds: 900, bytes: 17 });
    expect(new URL(address).pathname).toMatch(/uploads\/a\/points\.csv$/);
    const signed = signedIn(address);
    expect(signed).toMatchObject({ "X-Amz-Expires": "900", "X-Amz-SignedHeaders": "content-length;host" });
    expect(Object.keys(signed).filter((name) => /checksum/i.test(name))).toEqual([]);
    expect(address).not.toContain("not-a-secret");
  });

  it("to put a part to names the part", async () => {
    const address = await presigner.putPart("uploads/a/b", { session: "s", part: 3, seconds: 60, bytes: 5 });
    const signed = signedIn(address);
    expect(signed).toMatchObject({ partNumber: "3", uploadId: "s", "X-Amz-SignedHeaders": "content-length;host" });
    expect(Object.keys(signed).filter((name) => /checksum/i.test(name))).toEqual([]);
  });

  it("to get an object from has it come as a file, whatever its name", async () => {
    const options = { seconds: 300, fileName: 'a"\r\nb.tar', type: "application/x-tar" };
    expect(signedIn(await presigner.get("jobs/a/artifacts/model.tar", options))).toMatchObject({
      "X-Amz-Expires": "300",
      "response-content-type": "application/x-tar",
      "response-content-disposition": 'attachment; filename="a___b.tar"',
    });
  });

  it("is made for keys of the store only", async () => {
    await expect(presigner.put("uploads/../x", { seconds: 1, bytes: 1 })).rejects.toMatchObject({
      code: "store.invalid-key",
    });
  });
});

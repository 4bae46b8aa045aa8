import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { isRefusal, statusOf } from "./asker.js";
import { Refused, Shortcoming, tried, type EndpointCheck } from "./check.js";
import type { Ground, Written } from "./ground.js";
import { outcomeOf } from "./s3-conditions.js";

/** Reading, listing, checksums, large objects. */
export async function checkObjects(ground: Ground): Promise<EndpointCheck[]> {
  const other = "use another S3-compatible store";
  return [
    await tried("missing key", other, () => readMissing(ground)),
    await tried("byte range", other, () => readRange(ground)),
    await tried("list after write", other, () => listAfterWrite(ground)),
    await tried("checksum", "damage on the way to the store is not noticed when it is written", () =>
      wrongChecksum(ground),
    ),
    await tried("large object", other, () => multipart(ground)),
  ];
}

async function readMissing(ground: Ground): Promise<string> {
  try {
    await ground.get(ground.key("missing"));
  } catch (error) {
    if (statusOf(error) === 404) return "is answered with 404";
    if (!(error instanceof Refused) && !isRefusal(error)) throw error;
    throw new Shortcoming(
      "a key without an object is answered with 403, as S3 does where s3:ListBucket is not granted",
      {
        remedy: `grant s3:ListBucket on the bucket ${ground.bucket} itself, beside s3:GetObject on its objects`,
      },
    );
  }
  throw new Shortcoming("a key without an object is answered with an object");
}

async function readRange(ground: Ground): Promise<string> {
  const key = ground.key("range");
  await ground.put(key, "0123456789");
  const shown = await ground.get(key, "bytes=2-4");
  if (shown !== "234") throw new Shortcoming(`bytes 2 to 4 of 0123456789 read ${JSON.stringify(shown)}`);
  return "is read alone";
}

async function listAfterWrite(ground: Ground): Promise<string> {
  const names = ["00001", "00002", "00010", "00003"];
  for (const name of names) await ground.put(ground.key(`list/${name}`), name);
  await mustList(ground, names.toSorted());
  await ground.delete(ground.key("list/00002"));
  await mustList(
    ground,
    names.toSorted().filter((name) => name !== "00002"),
  );
  return "complete and in order at once, also after a delete";
}

async function mustList(ground: Ground, expected: readonly string[]): Promise<void> {
  const shown = await ground.list("list/");
  if (shown.join() === expected.join()) return;
  throw new Shortcoming(`expected ${expected.join(", ")} in the list, found ${shown.join(", ") || "nothing"}`);
}

/** Not fatal: Stampede's own records carry a checksum too, and are read once more when it is wrong. */
async function wrongChecksum(ground: Ground): Promise<string> {
  try {
    await ground.put(ground.key("checksum"), "Not what the checksum is of.", { ChecksumCRC32: "AAAAAA==" });
  } catch (error) {
    if (statusOf(error) === 400) return "a body that does not fit its CRC-32 is refused (400)";
    throw error;
  }
  throw new Shortcoming("a body that does not fit its CRC-32 is accepted", { status: "warning" });
}

async function multipart(ground: Ground): Promise<string> {
  const key = ground.key("multipart");
  await upload(ground, key, "first");
  const shown = await ground.get(key);
  if (shown !== "first") throw new Shortcoming(`an object that was uploaded in parts reads ${JSON.stringify(shown)}`);
  const second = await outcomeOf(upload(ground, key, "second"));
  if (second.type === "won") {
    throw new Shortcoming(
      "If-None-Match: * is ignored when an upload in parts is completed: the object was overwritten",
      {
        remedy: "do not train models or data here whose objects are uploaded in parts; use another store",
      },
    );
  }
  return "is uploaded in parts, and does not overwrite one that is there (412)";
}

/** One part, which may be as small as the last one. */
async function upload(ground: Ground, key: string, body: string): Promise<Written> {
  const { s3, bucket, asker } = ground;
  const place = { Bucket: bucket, Key: key };
  const { UploadId } = await asker.ask("s3:PutObject", () => s3.send(new CreateMultipartUploadCommand(place)));
  ground.mark(key);
  const of = { ...place, UploadId };
  try {
    const part = await asker.ask("s3:PutObject", () =>
      s3.send(new UploadPartCommand({ ...of, PartNumber: 1, Body: body })),
    );
    const { ETag } = part;
    const Parts = [{ ...(ETag !== undefined && { ETag }), PartNumber: 1 }];
    const complete = { ...of, MultipartUpload: { Parts }, IfNoneMatch: "*" };
    const done = await asker.ask("s3:PutObject", () => s3.send(new CompleteMultipartUploadCommand(complete)));
    return { etag: done.ETag ?? "" };
  } catch (error) {
    await asker
      .ask("s3:AbortMultipartUpload", () => s3.send(new AbortMultipartUploadCommand(of)))
      .catch((abortion: unknown) => {
        if (abortion instanceof Refused) throw abortion;
        // It is gone, or was never there.
      });
    throw error;
  }
}

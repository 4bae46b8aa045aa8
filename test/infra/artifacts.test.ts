import { unzipSync } from "fflate";
import { execFile } from "node:child_process";
import { createDecipheriv } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { functionNames, type FunctionName } from "../../infra/resources.js";
import { functionOf } from "./rules/functions.js";
import { at } from "./rules/rule.js";
import { askBundle, invokeBundle, startEmptyBucket } from "./support/run-bundle.js";
import { readStage, type Stage } from "./support/stages.js";
import { workFolder } from "./synth/paths.js";

/** Of Lambda: unpacked, and packed where it does not come from a bucket. */
const unpackedLimit = 262_144_000;
const packedLimit = 50 * 2 ** 20;

let stage: Stage;
let elsewhere: string;
beforeAll(async () => {
  stage = await readStage("production");
  elsewhere = await mkdtemp(join(tmpdir(), "stampede-artifacts-"));
  return () => rm(elsewhere, { recursive: true });
});

interface Artifact {
  readonly zip: Uint8Array;
  readonly files: Readonly<Record<string, Uint8Array>>;
}

const read = new Map<FunctionName, Promise<Artifact>>();

/** The very file that SST would upload. */
function artifactOf(name: FunctionName): Promise<Artifact> {
  const found = read.get(name) ?? readArtifact(name);
  read.set(name, found);
  return found;
}

async function readArtifact(name: FunctionName): Promise<Artifact> {
  const key = functionOf(stage.graph, name).inputs["s3Key"];
  const object = stage.graph.all("aws:s3:BucketObjectv2").find(({ inputs }) => inputs["key"] === key);
  const zip = await readFile(String(at(object?.inputs, "source", "path")));
  return { zip, files: unzipSync(zip, { filter: ({ name: path }) => !path.endsWith("/") }) };
}

async function unpack(name: FunctionName): Promise<string> {
  const folder = join(elsewhere, name);
  const { files } = await artifactOf(name);
  for (const [path, body] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), body);
  }
  return folder;
}

function variablesOf(name: FunctionName): Readonly<Record<string, string>> {
  return at(functionOf(stage.graph, name).inputs, "environment", "variables") as Readonly<Record<string, string>>;
}

async function invoke(
  name: FunctionName,
  event: unknown,
  more: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  return invokeBundle({ folder: await unpack(name), variables: { ...variablesOf(name), ...more }, event });
}

describe("what SST uploads", () => {
  it.each(functionNames)("keeps %s within the limits of Lambda", async (name) => {
    const { zip, files } = await artifactOf(name);
    const unpacked = Object.values(files).reduce((sum, { length }) => sum + length, 0);
    expect(zip.length).toBeLessThan(packedLimit);
    expect(unpacked).toBeLessThan(unpackedLimit);
  });

  it.each(["driver", "executor"] as const)(
    "has onnxruntime in %s, for the processor it runs on and no other",
    async (name) => {
      const binaries = Object.keys((await artifactOf(name)).files).filter((path) =>
        /\.(node|so|so\.\d.*|dll|dylib)$/.test(path),
      );
      expect(binaries).not.toEqual([]);
      expect(
        binaries.filter((path) => !path.startsWith("node_modules/onnxruntime-node/bin/napi-v6/linux/x64/")),
      ).toEqual([]);
    },
  );

  it.each(functionNames)("links nothing to %s: it is told everything by variables", async (name) => {
    const sealed = (await artifactOf(name)).files["resource.enc"] ?? new Uint8Array();
    const key = Buffer.from(variablesOf(name)["SST_KEY"] ?? "", "base64");
    const cipher = createDecipheriv("aes-256-gcm", key, Buffer.alloc(12));
    cipher.setAuthTag(sealed.slice(-16));
    expect(Buffer.concat([cipher.update(sealed.slice(0, -16)), cipher.final()]).toString()).toBe("{}");
  });

  it.each(["driver", "parameter-server"] as const)("runs %s with the variables of the stage", async (name) => {
    expect(await invoke(name, { Records: [] })).toEqual({ batchItemFailures: [] });
  });

  it.each(["executor", "sharder"] as const)("runs %s, which refuses what is no task", async (name) => {
    await expect(invoke(name, { job: "../../x" })).rejects.toMatchObject({
      stderr: expect.stringContaining("ZodError"),
    });
  });

  it("runs the sweeper, which looks for unfinished jobs in the bucket of the stage", async () => {
    const s3 = await startEmptyBucket();
    try {
      expect(await invoke("sweeper", {}, { AWS_ENDPOINT_URL: s3.url })).toBeNull();
      const bucket = stage.graph.outputs["STAMPEDE_BUCKET"];
      expect(s3.asked.length).toBeGreaterThan(0);
      for (const request of s3.asked) expect(request).toMatch(new RegExp(`^GET /${String(bucket)}/?\\?`));
    } finally {
      await s3.close();
    }
  });

  it("runs the API, which answers whoever asks, and tells nobody without a token more", async () => {
    const ask = async (path: string): Promise<{ readonly metadata: unknown; readonly body: string }> => {
      const requestContext = { http: { method: "GET", path, sourceIp: "192.0.2.1" }, domainName: "x.on.aws" };
      const event = { version: "2.0", rawPath: path, rawQueryString: "", headers: {}, requestContext };
      return askBundle({ folder: await unpack("api"), variables: variablesOf("api"), event });
    };
    const health = await ask("/health");
    expect(health.metadata).toMatchObject({ statusCode: 200 });
    expect(JSON.parse(health.body)).toMatchObject({ version: "0.1.0" });
    const refused = await ask("/v1/jobs");
    expect(refused.metadata).toMatchObject({ statusCode: 401 });
    expect(JSON.parse(refused.body)).toMatchObject({ code: "api.unauthorized" });
  });

  it("says which variable a function was deployed without", async () => {
    const { STAMPEDE_BUCKET: _, ...variables } = variablesOf("driver");
    const run = invokeBundle({ folder: await unpack("driver"), variables, event: { Records: [] } });
    await expect(run).rejects.toMatchObject({ stderr: expect.stringContaining("to have STAMPEDE_BUCKET") });
  });

  it("has in the context of its image the program of the Batch container, which says what it misses", async () => {
    const folder = at(stage.graph.all("docker-build:index:Image")[0]?.inputs, "context", "location");
    expect(folder).toBe(join(workFolder, "synth/production/bundles/production/batch"));
    const run = promisify(execFile)(process.execPath, ["index.js"], { cwd: String(folder), env: {} });
    await expect(run).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining("ended without a result") });
  });
});

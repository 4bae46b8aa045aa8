import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Graph } from "./synth/graph.js";
import { synthesise } from "./synth/synth.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stampede-configs-"));
  return () => rm(folder, { recursive: true });
});

const app = 'return { name: "stampede", home: "aws", providers: { aws: "7.20.0" } };';

async function evaluate(run: string, before = ""): Promise<Graph> {
  const config = join(folder, "sst.config.ts");
  await writeFile(config, `${before}\nexport default $config({ app() { ${app} }, async run() { ${run} } });\n`);
  return synthesise("tried", {}, config);
}

/** What the harness must not let pass: the rules look at graphs only, and a graph that is too small breaks few of them. */
describe("a configuration is refused", () => {
  it.each([
    ["that makes something twice", 'new aws.sns.Topic("Same"); new aws.sns.Topic("Same");', "Duplicate resource URN"],
    [
      "that waits for ever",
      "await new Promise(() => undefined);",
      "run() never ended: something that it waits for is left open",
    ],
    [
      "with a function that nobody has bundled",
      'new sst.aws.Function("Forgotten", { handler: "functions/src/driver.handler" });',
      "Forgotten has no bundle",
    ],
    [
      "that asks AWS what the harness cannot answer",
      'await aws.s3.getBucket({ bucket: "b" });',
      "found aws:s3/getBucket:getBucket",
    ],
    ["that fails later", "$util.output(1).apply(() => { throw new Error('too late'); });", "too late"],
  ])("%s", async (_, run, words) => {
    await expect(evaluate(run)).rejects.toMatchObject({ stderr: expect.stringContaining(words) });
  });

  it("that imports before it is known what from", async () => {
    const wrong = evaluate("return { root };", 'import { root } from "node:path";');
    await expect(wrong).rejects.toMatchObject({ stderr: expect.stringContaining("has a top-level import") });
  });

  it("with a setting that means nothing, in the words that whoever deploys reads", async () => {
    await expect(synthesise("tried", { STAMPEDE_BATCH: "sometimes" })).rejects.toMatchObject({
      stderr:
        'Expected STAMPEDE_BATCH to be one of off, spot, on-demand, both, found "sometimes". Nothing is deployed.\n',
    });
  });
});

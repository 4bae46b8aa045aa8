import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { functions } from "../../infra/resources.js";
import { settingsFrom } from "../../infra/settings.js";
import { functionOf } from "./rules/functions.js";
import { noOpenWayIn } from "./rules/whole.js";
import type { Graph } from "./synth/graph.js";
import { root } from "./synth/paths.js";
import { synthesise } from "./synth/synth.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stampede-configs-"));
  return () => rm(folder, { recursive: true });
});

const app = 'return { name: "stampede", home: "aws", providers: { aws: "7.20.0" } };';

async function evaluate(run: string, before = "", variables: Record<string, string> = {}): Promise<Graph> {
  const config = join(folder, "sst.config.ts");
  await writeFile(config, `${before}\nexport default $config({ app() { ${app} }, async run() { ${run} } });\n`);
  return synthesise("tried", variables, config);
}

describe("a function of the table that answers requests", () => {
  const table = { ...functions, sweeper: { ...functions.sweeper, answersRequests: true } };
  const settings = settingsFrom({ STAMPEDE_MAX_REQUESTS: "20" });
  const run = `
    const { stampede } = await import(${JSON.stringify(join(root, "infra/sst/stampede.ts"))});
    return stampede(${JSON.stringify(table)});`;
  let graph: Graph;
  beforeAll(async () => {
    graph = await evaluate(run, "", { STAMPEDE_MAX_REQUESTS: "20" });
  });

  it("has an address, which is told, and is the only one that has", () => {
    expect(graph.outputs["STAMPEDE_URL"]).toMatch(/^https:/);
    expect(noOpenWayIn.check(graph, { name: "dev", settings, table, graph })).toEqual([]);
    expect(noOpenWayIn.check(graph, { name: "dev", settings, table: functions, graph })).not.toEqual([]);
  });

  it.each(Object.keys(noOpenWayIn.violations))("still lets nobody in by: %s", (violation) => {
    const violated = noOpenWayIn.violations[violation]?.(graph) ?? graph;
    expect(noOpenWayIn.check(violated, { name: "dev", settings, table, graph })).not.toEqual([]);
  });

  it("answers as many at a time as whoever deploys allows", () => {
    const { inputs } = functionOf(graph, "sweeper");
    expect(inputs["reservedConcurrentExecutions"]).toBe(20);
  });
});

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

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { builtBundles } from "../../../infra/built-bundles.js";
import { functions, type FunctionTable } from "../../../infra/resources.js";
import { settingsFrom, type Settings } from "../../../infra/settings.js";
import { Graph, type Synthesised } from "../synth/graph.js";
import { synthesise } from "../synth/synth.js";

/** One with nothing but defaults, and one where everything is switched on. */
const variablesOf = {
  dev: {},
  production: {
    STAMPEDE_ALARM_EMAIL: "somebody@example.com",
    STAMPEDE_BATCH: "both",
    STAMPEDE_BATCH_MACHINES: "gpu",
    STAMPEDE_BUDGET_USD: "200",
    STAMPEDE_DATA_BUCKETS: "their-data, more-data",
    STAMPEDE_KEEP_JOBS_DAYS: "90",
    STAMPEDE_MAX_EXECUTORS: "64",
    STAMPEDE_MAX_REQUESTS: "20",
  },
} as const;
export type StageName = keyof typeof variablesOf;
export const stageNames = ["dev", "production"] as const satisfies readonly StageName[];

export interface Stage {
  readonly name: StageName;
  readonly settings: Settings;
  readonly table: FunctionTable;
  readonly graph: Graph;
}

const folderVariable = "STAMPEDE_TEST_GRAPHS";

/** Evaluates both, once for all tests. */
export async function bothStages(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "stampede-graphs-"));
  process.env[folderVariable] = folder;
  // Both would build them otherwise.
  await builtBundles();
  await Promise.all(
    stageNames.map(async (name) => {
      const { app, outputs, resources } = await synthesise(name, variablesOf[name]);
      await writeFile(join(folder, `${name}.json`), JSON.stringify({ app, outputs, resources }));
    }),
  );
  return () => rm(folder, { recursive: true });
}

export async function readStage(name: StageName): Promise<Stage> {
  const text = await readFile(join(process.env[folderVariable] ?? "", `${name}.json`), "utf8");
  const graph = new Graph(JSON.parse(text) as Synthesised);
  return { name, settings: settingsFrom(variablesOf[name]), table: functions, graph };
}

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Graph, type Synthesised } from "./graph.js";
import { configFile, root } from "./paths.js";

const run = promisify(execFile);

/** Those of the settings, which whoever deploys decides. */
type Variables = Readonly<Record<string, string>>;

/**
 * The resources of a stage, evaluated in a process of its own.
 * @param config @default this repository's
 */
export async function synthesise(stage: string, variables: Variables = {}, config = configFile): Promise<Graph> {
  const folder = await mkdtemp(join(tmpdir(), "stampede-synth-"));
  try {
    const file = join(folder, "graph.json");
    const program = join(import.meta.dirname, "synth-process.ts");
    // No variable of this machine's, neither settings nor credentials.
    const env = { PATH: process.env["PATH"], HOME: folder, ...variables };
    await run(process.execPath, ["--import", "tsx", program, config, stage, file], { cwd: root, env });
    return new Graph(JSON.parse(await readFile(file, "utf8")) as Synthesised);
  } finally {
    await rm(folder, { recursive: true });
  }
}

import { fork } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { planEngine } from "@stampede/runtime";
import * as z from "zod";
import { readCase, writeCase } from "../steps/case-files.js";
import { batchesPerCall, stepCases, type CaseName } from "../steps/cases.js";
import { messageOf } from "../steps/race.js";
import { figuresFrom, type Findings } from "../steps/findings.js";

const ColdStart = z.strictObject({ ms: z.number(), bytes: z.number() });
type ColdStart = z.infer<typeof ColdStart>;

const engines = ["compiled", "tfjs-wasm"] as const;
const targets = { ms: { atMost: 100 }, megabytes: { atMost: 120 } } as const;

/** Stores the graph that trains the case beside it, as a job does. */
async function writeGraphs(folder: string): Promise<void> {
  const { definition, data, batchSize } = readCase(folder);
  const fields = data.fields.map(({ field }) => field);
  const use = { cores: 1, executors: 1, purpose: "train" as const, batchSizes: [batchSize] };
  const plan = await planEngine({ definition, fields, wanted: "compiled", ...use });
  if (plan.engine !== "compiled") throw new Error("the plan has no graphs");
  for (const [name, bytes] of plan.graphs) writeFileSync(join(folder, `${name}.onnx`), bytes);
}

/** The first result of fresh processes, the engines in turn. @param parent an empty place for the case */
export async function coldStartFindings(name: CaseName, parent: string, repeat: number): Promise<Findings> {
  const folder = await writeCase(parent, name, batchesPerCall * stepCases[name].batchSize);
  const starts: Record<(typeof engines)[number], ColdStart[]> = { compiled: [], "tfjs-wasm": [] };
  const failures = new Map<string, string>();
  const fail = (engine: string, error: unknown): unknown => failures.set(engine, messageOf(error));
  await writeGraphs(folder).catch((error: unknown) => fail("compiled", error));
  for (let i = 0; i < repeat; i += 1) {
    for (const engine of engines.filter((one) => !failures.has(one))) {
      try {
        starts[engine].push(await coldStart(engine, folder));
      } catch (error) {
        fail(engine, error);
      }
    }
  }
  const title = `${name}, cold start to ${batchesPerCall} batches trained`;
  const figures = engines.flatMap((engine) => {
    const [ms, megabytes] = engine === "compiled" ? [targets.ms, targets.megabytes] : [];
    return [
      ...figuresFrom(
        `${title}: ${engine}`,
        "ms",
        starts[engine].map((start) => start.ms),
        ms,
      ),
      ...figuresFrom(
        `${title}: ${engine}, resident`,
        "MB",
        starts[engine].map(({ bytes }) => bytes / 1e6),
        megabytes,
      ),
    ];
  });
  return { title, figures, notes: [...failures].map(([engine, reason]) => `${engine} left out: ${reason}`) };
}

/**
 * A fresh process trains some batches of the case in `folder`.
 * @throws Error with what the process said
 */
async function coldStart(engine: string, folder: string): Promise<ColdStart> {
  const child = fork(join(import.meta.dirname, "cold-start-process.mjs"), [engine, folder, String(batchesPerCall)], {
    execArgv: [],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const complaints: string[] = [];
  child.stderr?.setEncoding("utf8").on("data", (text: string) => complaints.push(text));
  let answer: unknown;
  child.once("message", (message) => {
    answer = message;
  });
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once("error", reject).once("close", resolve),
  );
  if (code === 0) return ColdStart.parse(answer);
  // Node shows the error behind the line of code and before the stack.
  const said = complaints
    .join("")
    .split("\n")
    .find((line) => line.includes("Error"));
  throw new Error(said?.trim() ?? `exit code ${code}`);
}

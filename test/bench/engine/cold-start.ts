import { fork } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { planEngine } from "@stampede/runtime";
import { build } from "esbuild";
import * as z from "zod";
import { readCase, writeCase } from "../steps/case-files.js";
import { batchesPerCall, stepCases, type CaseName } from "../steps/cases.js";
import { messageOf } from "../steps/race.js";
import { figuresFrom, type Findings } from "../steps/findings.js";

const ColdStart = z.strictObject({ ms: z.number(), bytes: z.number() });
type ColdStart = z.infer<typeof ColdStart>;

/** What is started: the program as it stands, or in one file without tfjs, as functions are deployed. */
const starters = [
  { label: "compiled, bundled", engine: "compiled", isBundled: true },
  { label: "compiled", engine: "compiled", isBundled: false },
  { label: "tfjs-wasm", engine: "tfjs-wasm", isBundled: false },
] as const;
type Starter = (typeof starters)[number];
const targets = { ms: { atMost: 100 }, megabytes: { atMost: 120 } } as const;

const program = join(import.meta.dirname, "cold-start-process.mjs");
/** Git ignores its folder, and from there the packages that stay outside of the bundle are found. */
const bundle = join(import.meta.dirname, "../results/cold-start-bundle.mjs");

async function writeBundle(): Promise<void> {
  await build({
    entryPoints: [program],
    outfile: bundle,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    external: ["onnxruntime-node", "@tensorflow/*"],
    minifySyntax: true,
    logLevel: "error",
  });
}

/** Stores the graph that trains the case beside it, as a job does. */
async function writeGraphs(folder: string): Promise<void> {
  const { definition, data, batchSize } = readCase(folder);
  const fields = data.fields.map(({ field }) => field);
  const use = { cores: 1, executors: 1, purpose: "train" as const, batchSizes: [batchSize] };
  const plan = await planEngine({ definition, fields, wanted: "compiled", ...use });
  if (plan.engine !== "compiled") throw new Error("the plan has no graphs");
  for (const [name, bytes] of plan.graphs) writeFileSync(join(folder, `${name}.onnx`), bytes);
}

/** The first result of fresh processes, one kind after the other. @param parent an empty place for the case */
export async function coldStartFindings(name: CaseName, parent: string, repeat: number): Promise<Findings> {
  const folder = await writeCase(parent, name, batchesPerCall * stepCases[name].batchSize);
  const starts = new Map<Starter, ColdStart[]>(starters.map((starter) => [starter, []]));
  const failures = new Map<Starter, string>();
  await writeGraphs(folder);
  await writeBundle();
  for (let i = 0; i < repeat; i += 1) {
    for (const starter of starters.filter((one) => !failures.has(one))) {
      try {
        starts.get(starter)?.push(await coldStart(starter, folder));
      } catch (error) {
        failures.set(starter, messageOf(error));
      }
    }
  }
  const title = `${name}, cold start to ${batchesPerCall} batches trained`;
  const figures = [...starts].flatMap(([{ label, isBundled }, samples]) => {
    const [ms, megabytes] = isBundled ? [targets.ms, targets.megabytes] : [];
    const times = samples.map((start) => start.ms);
    const sizes = samples.map(({ bytes }) => bytes / 1e6);
    return [
      ...figuresFrom(`${title}: ${label}`, "ms", times, ms),
      ...figuresFrom(`${title}: ${label}, resident`, "MB", sizes, megabytes),
    ];
  });
  return { title, figures, notes: [...failures].map(([{ label }, reason]) => `${label} left out: ${reason}`) };
}

/**
 * A fresh process trains some batches of the case in `folder`.
 * @throws Error with what the process said
 */
async function coldStart({ engine, isBundled }: Starter, folder: string): Promise<ColdStart> {
  const child = fork(isBundled ? bundle : program, [engine, folder, String(batchesPerCall)], {
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

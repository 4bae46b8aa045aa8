import { fork } from "node:child_process";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { packageFunctions, type PackagedFunction } from "../../../infra/emulated/package-function.js";
import { bundleBytes } from "../../../infra/bundles.js";
import { figureOf, type Figure, type SuiteReport } from "../measure.js";
import { withFolder } from "../temporary.js";
import { storeSmallMnist, type StoredJob } from "./stored-job.js";

const Moment = z.strictObject({ ms: z.number(), cpuMs: z.number() });
type Moment = z.infer<typeof Moment>;
const ColdStart = z.strictObject({
  firstLine: Moment,
  imported: Moment,
  /** The first request, after all clients are made. */
  asked: Moment,
  /** The graph, which is read last. */
  loaded: Moment,
  /** The first batch is trained, and its delta is encoded. */
  trained: Moment,
  bytes: z.number(),
});
type ColdStart = z.infer<typeof ColdStart>;

const program = join(import.meta.dirname, "cold-process.mjs");
const leastRuns = 9;
const targets = { ms: { atMost: 400 }, megabytes: { atMost: 30 } } as const;

/** The executor's bundle as it is deployed, in fresh processes: from the first line to the first batch of the MNIST network. */
export function coldSuite({ repeat }: { readonly repeat: number }): Promise<SuiteReport> {
  const runs = Math.max(leastRuns, repeat);
  return withFolder(async (folder) => {
    const executor = await unpacked(join(folder, "executor"));
    // The first one, which reads all files from the disk, is thrown away.
    const job = await storeSmallMnist(folder, runs + 1);
    try {
      const starts: ColdStart[] = [];
      for (const task of job.tasks) starts.push(await coldStart(join(folder, "executor"), JSON.stringify(task), job));
      return {
        suite: "cold",
        parameters: { model: "784-128-128-10", batchSize: 64, dtype: "float32", runs },
        figures: [...figuresOf(starts.slice(1)), ...(await sizesOf(executor, join(folder, "executor")))],
        notes: [
          "S3 is MiniStack on this machine. Left out is what Lambda does before: the sandbox, Node.js and its runtime client.",
          "Processor time counts all threads of the process; on a busy machine it says more than the clock.",
        ],
      };
    } finally {
      await job.stop();
    }
  });
}

/** Where there is no repository: nothing but the bundle's own modules can be found. */
async function unpacked(folder: string): Promise<PackagedFunction> {
  const { functions } = await packageFunctions();
  const executor = functions.find(({ name }) => name === "executor");
  if (executor === undefined) throw new Error("There is no bundle of the executor.");
  await cp(executor.folder, folder, { recursive: true });
  return executor;
}

const phases: readonly (readonly [string, (start: ColdStart) => readonly [Moment, Moment]])[] = [
  ["first line to first batch trained", ({ firstLine, trained }) => [firstLine, trained]],
  ["  import", ({ firstLine, imported }) => [firstLine, imported]],
  ["  clients, until the first request", ({ imported, asked }) => [imported, asked]],
  ["  spec, weights, data and graph read", ({ asked, loaded }) => [asked, loaded]],
  ["  session, first batch, its delta encoded", ({ loaded, trained }) => [loaded, trained]],
];

function figuresOf(starts: readonly ColdStart[]): readonly Figure[] {
  const times = phases.flatMap(([name, between], index) => {
    const pairs = starts.map(between);
    const ms = pairs.map(([from, to]) => to.ms - from.ms);
    const cpuMs = pairs.map(([from, to]) => to.cpuMs - from.cpuMs);
    return [
      figureOf(name, "ms", ms, index === 0 ? targets.ms : undefined),
      figureOf(`${name}: processor`, "ms", cpuMs),
    ];
  });
  return [
    figureOf(
      "process start to first batch trained",
      "ms",
      starts.map(({ trained }) => trained.ms),
    ),
    ...times,
    figureOf(
      "resident",
      "MB",
      starts.map(({ bytes }) => bytes / 1e6),
    ),
  ];
}

async function sizesOf({ zip }: PackagedFunction, folder: string): Promise<readonly Figure[]> {
  return [
    figureOf("zip", "MB", [zip.length / 1e6], targets.megabytes),
    figureOf("unpacked", "MB", [(await bundleBytes(folder)) / 1e6]),
  ];
}

/** @throws Error with what the process said */
async function coldStart(folder: string, task: string, { variables }: StoredJob): Promise<ColdStart> {
  const child = fork(program, [folder, task], {
    cwd: folder,
    env: { PATH: process.env["PATH"], ...variables },
    execArgv: [],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const words: string[] = [];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => words.push(text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => words.push(text));
  let answer: unknown;
  child.once("message", (message) => {
    answer = message;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  });
  if (code === 0) return ColdStart.parse(answer);
  throw new Error(`Expected a cold executor to train, found exit code ${code}:\n${words.join("")}`);
}

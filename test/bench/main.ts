import { parseArgs } from "node:util";
import * as z from "zod";
import { elephasChannels, elephasModes } from "./elephas/run.js";
import { Refusal, type SuiteReport } from "./measure.js";
import { variantNames } from "./cloud/variant-names.js";
import { kernelNets } from "./kernels/nets.js";
import { CaseName, usualCases } from "./steps/cases.js";
import { describeMachine, machineLine, reportText, writeReport } from "./report.js";

const usage = `npm run bench [-- SUITE... [OPTIONS]]
  suites: job aggregate shard store engine reliability (all of these by default), api, cloud cold elephas kernels python
  --repeat N      measured repeats, after one warm-up          (3)
  --executors N   job: executors                               (2)
  --epochs N      job, elephas: epochs                         (10)
  --workers N     elephas: Spark workers, and executors        (2)
  --mode M        elephas: ${elephasModes.join(", ")}  (synchronous)
  --channel C     elephas, not synchronous: ${elephasChannels.join(", ")}       (http)
  --sizes N,M     cloud: executors of the job that is priced   (10,100,1000)
  --fan-out N     cloud: executors with 100 MB of weights      (1000)
  --readers N     api: event streams at the same time           (500)
  --submits N     api: jobs submitted in a second               (200)
  --seconds N     api: for so long                              (20)
  --work S,T      cloud: seconds of local work of those        (30)
  --variants A,B  cloud: ${variantNames.join(", ")}  (deployed)
  --cases A,B     engine, python: ${usualCases.join(", ")}  (all)
  --net A,B       kernels: ${kernelNets.join(", ")}  (all)
`;

const Count = z.coerce.number().int().min(1);
const Counts = z.string().transform((counts, context) => {
  const parsed = z.array(Count).safeParse(counts.split(","));
  if (parsed.success) return parsed.data;
  context.addIssue({ code: "custom", message: `Expected numbers with commas between them, found ${counts}.` });
  return z.NEVER;
});
const Options = z.strictObject({
  repeat: Count.default(3),
  executors: Count.default(2),
  epochs: Count.default(10),
  workers: Count.default(2),
  mode: z.enum(elephasModes).default("synchronous"),
  channel: z.enum(elephasChannels).default("http"),
  sizes: Counts.default([10, 100, 1_000]),
  "fan-out": Count.default(1_000),
  readers: Count.default(500),
  submits: Count.default(200),
  seconds: Count.default(20),
  work: Counts.default([30]),
  variants: z
    .string()
    .transform((names) => names.split(","))
    .pipe(z.array(z.enum(variantNames)))
    .default(["deployed"]),
  cases: z
    .string()
    .transform((names) => names.split(","))
    .pipe(z.array(CaseName))
    .default([...usualCases]),
  net: z
    .string()
    .transform((names) => names.split(","))
    .pipe(z.array(z.enum(kernelNets)))
    .default([...kernelNets]),
});
type Options = z.infer<typeof Options>;

const SuiteName = z.enum([
  "job",
  "aggregate",
  "shard",
  "store",
  "engine",
  "reliability",
  "api",
  "cloud",
  "cold",
  "elephas",
  "kernels",
  "python",
]);
type SuiteName = z.infer<typeof SuiteName>;

/** Suites are loaded when they are run, so that one of them does not weigh on another. */
const suites: Readonly<Record<SuiteName, (options: Options) => Promise<SuiteReport>>> = {
  job: async (options) => (await import("./job.js")).jobSuite(options),
  aggregate: async (options) => (await import("./aggregate.js")).aggregateSuite(options),
  shard: async (options) => (await import("./shard.js")).shardSuite(options),
  store: async (options) => (await import("./store.js")).storeSuite(options),
  engine: async (options) => (await import("./engine/suite.js")).engineSuite(options, tell),
  reliability: async (options) => (await import("./reliability/suite.js")).reliabilitySuite(options),
  api: async (options) => (await import("./api.js")).apiSuite(options),
  cloud: async (options) =>
    (await import("./cloud/suite.js")).cloudSuite({ ...options, fanOut: options["fan-out"] }, tell),
  cold: async (options) => (await import("./cloud/cold-start.js")).coldSuite(options),
  elephas: async (options) => (await import("./elephas/suite.js")).elephasSuite(options, tell),
  kernels: async (options) =>
    (await import("./kernels/suite.js")).kernelsSuite({ ...options, nets: options.net }, tell),
  python: async (options) => (await import("./python/suite.js")).pythonSuite(options, tell),
};

/** Those that need nothing but npm, and a few minutes. */
const native = SuiteName.exclude(["api", "cloud", "cold", "elephas", "kernels", "python"]).options;

function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function main(args: readonly string[]): Promise<void> {
  const { names, options } = parse(args);
  for (const name of names) {
    tell(`${name} ...`);
    const machine = describeMachine();
    const report = await suites[name](options);
    const path = writeReport(machine, report);
    process.stdout.write(`${reportText(report)}\n  ${machineLine(machine)}\n  ${path}\n\n`);
  }
}

function parse(args: readonly string[]): { names: readonly SuiteName[]; options: Options } {
  const text = { type: "string" } as const;
  const options = [
    "repeat",
    "executors",
    "epochs",
    "workers",
    "mode",
    "channel",
    "sizes",
    "fan-out",
    "readers",
    "submits",
    "seconds",
    "work",
    "variants",
    "cases",
    "net",
  ];
  const known = Object.fromEntries(options.map((name) => [name, text]));
  try {
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: known });
    const names = positionals.map((name) => SuiteName.parse(name));
    return { names: names.length === 0 ? native : names, options: Options.parse(values) };
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : "";
    throw new Refusal(`${reason}\n\n${usage}`);
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  tell(error.message);
  process.exitCode = 1;
}

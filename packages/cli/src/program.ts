import { Command, CommanderError } from "commander";
import { exitCode, type ExitCode } from "./exit-code.js";
import { voiceFor, type Host } from "./host.js";
import type { DoctorOptions } from "./commands/doctor.js";
import type { GcOptions } from "./commands/gc.js";
import type { EvaluateOptions, PredictOptions } from "./commands/inference.js";
import type { JobsOptions } from "./commands/jobs.js";
import { clusterOption, examples, isolationOption, jsonOption, type Choose } from "./command-options.js";
import type { TrainOptions } from "./commands/train.js";
import { addServe, addTokens } from "./serve-program.js";
import { readVersion } from "./version.js";
import type { WatchOptions } from "./commands/watch.js";

/**
 * Runs the command line and answers with the exit code. Never rejects.
 * @param words the arguments after `stampede`
 */
export async function runCommandLine(words: readonly string[], host: Host): Promise<ExitCode> {
  let act: (() => Promise<ExitCode>) | undefined;
  const program = buildProgram(host, (chosen) => {
    act = chosen;
  });
  try {
    await program.parseAsync([...words], { from: "user" });
    return act === undefined ? exitCode.done : await act();
  } catch (error) {
    if (error instanceof CommanderError) return usage(error, words, host);
    const { reportError } = await import("./report-error.js");
    const report = reportError(error, host);
    host.stderr.write(`${report.lines.join("\n")}\n`);
    return report.isInputError ? exitCode.badInput : exitCode.failed;
  }
}

/** Commander has written its words already. */
function usage(error: CommanderError, words: readonly string[], host: Host): ExitCode {
  if (error.exitCode === 0) return exitCode.done;
  const runsJob = ["train", "evaluate", "predict"].includes(words[0] ?? "");
  if (runsJob && voiceFor(host, words.includes("--json")) === "json") {
    const message = error.message.replace(/^error: /, "");
    host.stdout.write(`${JSON.stringify({ event: "job.failed", code: "option.invalid", message })}\n`);
  }
  return exitCode.badInput;
}

function buildProgram(host: Host, choose: Choose): Command {
  const program = new Command("stampede")
    .description("Serverless data-parallel training for Keras-style models")
    .version(readVersion(), "-V, --version")
    .exitOverride()
    .showHelpAfterError("(stampede help COMMAND tells more)")
    .configureOutput({
      writeOut: (text) => void host.stdout.write(text),
      writeErr: (text) => void host.stderr.write(text),
      getOutHelpWidth: () => Math.min(host.stdout.columns ?? 80, 110),
      getErrHelpWidth: () => Math.min(host.stderr.columns ?? 80, 110),
    })
    .addHelpText("after", programHelp);
  addTrain(program, host, choose);
  addEvaluate(program, host, choose);
  addPredict(program, host, choose);
  addJobs(program, host, choose);
  addServe(program, host, choose);
  addTokens(program, host, choose);
  program
    .command("doctor")
    .description("Check that this machine, or an AWS endpoint, has what training needs")
    .addOption(clusterOption("what to check"))
    .option("--endpoint <url>", "prove this AWS-compatible endpoint: conditional writes, queues, clock, permissions")
    .option("--bucket <bucket>", "the bucket to try (default: STAMPEDE_BUCKET, else one that is made and removed)")
    .option("--queue <url>", "the driver's queue (default: STAMPEDE_DRIVER_QUEUE_URL, else none)")
    .option("--json", "one JSON object a check")
    .addHelpText("after", examples("stampede doctor", "stampede doctor --endpoint http://127.0.0.1:4566"))
    .action((options: DoctorOptions) =>
      choose(async () => (await import("./commands/doctor.js")).doctor(host, options)),
    );
  return program;
}

const programHelp = `
Examples:
  $ stampede train job.yaml --executors 4
  $ stampede evaluate stampede-out/JOB/model --data test.yaml
  $ stampede predict stampede-out/JOB/model --data new.yaml --out predictions.csv
  $ stampede jobs list

Exit codes: 0 done, 1 failed, 2 bad input (nothing started), 130 interrupted (and resumable).
In a pipe or with --json, stdout has one JSON object a line; words to people go to stderr.
Jobs and data live in STAMPEDE_HOME (default: .stampede in the current folder). With --cluster aws they live in
STAMPEDE_BUCKET, and STAMPEDE_DRIVER_QUEUE_URL is told of them; AWS_REGION and AWS_ENDPOINT_URL are heeded.`;

function addTrain(program: Command, host: Host, choose: Choose): void {
  program
    .command("train")
    .description("Train a model as a job file says, and save it")
    .argument("<job.yaml>", "the job file")
    .option("--set <path=value>", "override a field of the job file; may be repeated", collect, [])
    .addOption(clusterOption())
    .addOption(isolationOption())
    .option("--executors <n>", "the same as --set training.executors=N")
    .option("--out <folder>", "where model/ is written (default: stampede-out/JOB)")
    .option("--overwrite", "replace a model that is there already")
    .option("--resume <job>", "go on with an interrupted job")
    .option(...jsonOption)
    .addHelpText(
      "after",
      examples(
        "stampede train job.yaml",
        "stampede train job.yaml --executors 4 --set training.epochs=20 --out trained",
        "stampede train job.yaml --resume mnist-mlp-20260131-120000-0a1b2c",
        "stampede train job.yaml --json | jq 'select(.event == \"round.finished\")'",
      ),
    )
    .action((path: string, options: TrainOptions) =>
      choose(async () => (await import("./commands/train.js")).train(host, path, options)),
    );
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

function addEvaluate(program: Command, host: Host, choose: Choose): void {
  inferenceOptions(program.command("evaluate").description("Evaluate a saved model on data with labels"))
    .addHelpText("after", examples("stampede evaluate stampede-out/JOB/model --data test.yaml --executors 4"))
    .action((folder: string, options: EvaluateOptions) =>
      choose(async () => (await import("./commands/inference.js")).evaluate(host, folder, options)),
    );
}

function addPredict(program: Command, host: Host, choose: Choose): void {
  inferenceOptions(
    program.command("predict").description("Write a saved model's predictions to a file, in the order of the rows"),
  )
    .requiredOption("--out <file>", "the file to write: .csv, .jsonl or .npy")
    .option("--overwrite", "replace a file that is there already")
    .addHelpText("after", examples("stampede predict stampede-out/JOB/model --data new.yaml --out predictions.csv"))
    .action((folder: string, options: PredictOptions) =>
      choose(async () => (await import("./commands/inference.js")).predict(host, folder, options)),
    );
}

function inferenceOptions(command: Command): Command {
  return command
    .argument("<model>", "a folder with model.json and stampede.json, as training leaves it")
    .requiredOption("--data <data.yaml>", "the data: what differs from the training data, at least the files")
    .addOption(clusterOption())
    .addOption(isolationOption())
    .option("--executors <n>", "how many executors share the rows")
    .option(...jsonOption);
}

const whereJobsAre = "where the jobs are";

function addJobs(program: Command, host: Host, choose: Choose): void {
  const jobs = program.command("jobs").description("Jobs of this store: past ones, and those that other processes run");
  const load = () => import("./commands/jobs.js");
  jobs
    .command("list")
    .description("All jobs, the newest first")
    .addOption(clusterOption(whereJobsAre))
    .option(...jsonOption)
    .action((options: JobsOptions) => choose(async () => (await load()).listJobs(host, options)));
  const onJob = (name: string, description: string, act: (id: string, options: JobsOptions) => Promise<ExitCode>) =>
    jobs
      .command(name)
      .description(description)
      .argument("<job>", "the job's id, as `stampede jobs list` shows it")
      .addOption(clusterOption(whereJobsAre))
      .option(...jsonOption)
      .action((id: string, options: JobsOptions) => choose(() => act(id, options)));
  onJob("show", "The life of a job: rounds, attempts, signs of life, failures", async (id, options) =>
    (await load()).showJob(host, id, options),
  );
  addWatch(jobs, host, choose);
  onJob("logs", "The events that a job has told", async (id, options) => (await load()).showLogs(host, id, options));
  onJob("cancel", "Ask a job to stop", async (id, options) => (await load()).cancelJob(host, id, options));
  addGc(jobs, host, choose);
}

function addWatch(jobs: Command, host: Host, choose: Choose): void {
  jobs
    .command("watch")
    .description("Follow a job that another process runs, and say when nothing is heard of it")
    .argument("<job>", "the job's id, as `stampede jobs list` shows it")
    .addOption(clusterOption(whereJobsAre))
    .option("--give-up-after <seconds>", "end with exit code 1 (job.silent) when nothing was heard for so long")
    .option(...jsonOption)
    .action((id: string, options: WatchOptions) =>
      choose(async () => (await import("./commands/watch.js")).watchJob(host, id, options)),
    );
}

function addGc(jobs: Command, host: Host, choose: Choose): void {
  jobs
    .command("gc")
    .description("Remove what no job needs: deltas and weights of rounds that are over, data sets without a job")
    .addOption(clusterOption(whereJobsAre))
    .option("--dry-run", "only say what would be removed")
    .option(
      "--min-age-hours <n>",
      "what may belong to a job that is about to be submitted goes when it is so old",
      "24",
    )
    .option("--jobs-older-than-days <n>", "remove jobs whole that ended so long ago")
    .option(...jsonOption)
    .addHelpText("after", examples("stampede jobs gc --dry-run", "stampede jobs gc --jobs-older-than-days 30"))
    .action((options: GcOptions) =>
      choose(async () => (await import("./commands/gc.js")).collectGarbage(host, options)),
    );
}

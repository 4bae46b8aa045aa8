import type { AnyCluster, JobSucceeded } from "@stampede/client";
import { suspendsJob, type ErrorCode, type JobEvent, type JobId } from "@stampede/core";
import { redirectConsole } from "./console.js";
import {
  cloudLines,
  clusterWords,
  openCluster,
  type ClusterChoice,
  type ClusterName,
  type OpenCluster,
} from "./cluster.js";
import { exitCode, type ExitCode } from "./exit-code.js";
import { voiceFor, type Host } from "./host.js";
import { listenForInterrupt } from "./interruption.js";
import { LifeListener } from "./listen-for-life.js";
import type { JobView } from "./present/job-view.js";
import { makePresenter } from "./present/presenter.js";
import { reportError } from "./report-error.js";

/** What differs between the commands that run a job: train, evaluate, predict. */
export interface JobCommand {
  /** Epochs of the whole job, where there are any. */
  readonly epochs?: number;
  readonly cluster: ClusterChoice;
  /** Told before anything starts. */
  readonly plan: readonly string[];
  run(client: typeof import("@stampede/client"), cluster: AnyCluster, hooks: JobHooks): Promise<JobSucceeded>;
  /** Told at the end. */
  summary(view: JobView, outcome: JobSucceeded): readonly string[];
  /** The command that goes on with an interrupted job; absent for those that simply start again. */
  resume?(job: JobId): string;
  /** The command that saves what has come of a job, naming the place where it could not be saved. */
  save?(job: JobId): string;
}

interface JobHooks {
  readonly onEvent: (event: JobEvent) => void;
  /** Of a job that is prepared in the cloud. */
  readonly onRequested: (job: JobId) => void;
  readonly signal: AbortSignal;
}

/** Reads the input, runs the job and shows it. Every error becomes words and an exit code here. */
export async function runJob(host: Host, json: boolean, prepare: () => Promise<JobCommand>): Promise<ExitCode> {
  let command: JobCommand;
  try {
    command = await prepare();
  } catch (error) {
    return refuse(host, json, error);
  }
  return carryOut(host, json, command);
}

function refuse(host: Host, json: boolean, error: unknown): ExitCode {
  const { code, message, isInputError, lines } = reportError(error, host);
  if (voiceFor(host, json) === "json") host.stdout.write(`${JSON.stringify(failedEvent(undefined, code, message))}\n`);
  for (const line of lines) host.stderr.write(`${line}\n`);
  return isInputError ? exitCode.badInput : exitCode.failed;
}

async function carryOut(host: Host, json: boolean, command: JobCommand): Promise<ExitCode> {
  const presenter = makePresenter(host, { json, ...(command.epochs !== undefined && { epochs: command.epochs }) });
  const { name } = command.cluster;
  let requested: JobId | undefined;
  const isSubmitted = (): boolean => presenter.view.submitted !== undefined;
  const job = (): JobId | undefined => presenter.view.submitted?.job ?? requested;
  let cluster: OpenCluster | undefined;
  let life: LifeListener | undefined;
  const onFirst = (reason: "signal" | "closed"): void => {
    const remains = name !== "local" ? "the job goes on in the cloud" : "committed rounds are kept";
    const kept = job() === undefined ? "no job was submitted" : remains;
    const last = failedEvent(job(), "job.interrupted", `The run was interrupted; ${kept}.`);
    presenter.close(reason === "signal" ? last : undefined, []);
    if (reason === "signal") presenter.note(interruptedLines(job(), command));
  };
  const interruption = listenForInterrupt(host, onFirst, () => cluster?.isInNative === true);
  const restoreConsole = redirectConsole((lines) => presenter.note(lines));
  try {
    presenter.note(command.plan);
    const opened = await openCluster(host, command.cluster);
    cluster = opened.cluster;
    const note = (lines: readonly string[]): void => presenter.note(lines);
    life = new LifeListener({ client: opened.client, cluster, name, host, job, note });
    const onEvent = (event: JobEvent): void => {
      life?.heard();
      presenter.event(event);
    };
    const onRequested = (id: JobId): void => {
      requested = id;
      presenter.note([whereItIsPrepared(id, name)]);
    };
    const client = await import("@stampede/client");
    const outcome = await command.run(client, cluster, { onEvent, onRequested, signal: interruption.signal });
    if (interruption.signal.aborted) return exitCode.interrupted;
    presenter.close(outcome, command.summary(presenter.view, outcome));
    return exitCode.done;
  } catch (error) {
    if (interruption.signal.aborted) return exitCode.interrupted;
    const report = reportError(error, host);
    presenter.close(failedEvent(job(), report.code, report.message), []);
    presenter.note(report.lines);
    presenter.note(wayOnLines(job(), report.code, command));
    return report.isInputError && !isSubmitted() ? exitCode.badInput : exitCode.failed;
  } finally {
    life?.close();
    await cluster?.close();
    interruption.dispose();
    restoreConsole();
  }
}

function whereItIsPrepared(job: JobId, name: ClusterName): string {
  const place =
    name === "aws"
      ? "in the cloud, where its data lies; nothing of it passes through this machine"
      : `and run at ${name}`;
  return `${job} is prepared ${place}.`;
}

function failedEvent(job: JobId | undefined, code: string, message: string): JobEvent {
  return { event: "job.failed", ...(job !== undefined && { job }), code, message };
}

/** Errors that come up when the work is done and is to be saved, where a job has been submitted. */
const ofSaving: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["output.full", "output.not-writable", "model.exists"]);

function wayOnLines(job: JobId | undefined, code: ErrorCode, command: JobCommand): string[] {
  if (job === undefined) return [];
  const life = `  its life: stampede jobs show ${job}${clusterWords(command.cluster.name)}`;
  if (command.cluster.name !== "local" && (code === "store.unavailable" || code === "api.unavailable")) {
    return [...goesOnLines(job, command), life];
  }
  if (command.resume !== undefined && suspendsJob(code)) {
    return ["  Committed rounds are kept. When that is mended, go on with:", `  ${command.resume(job)}`, life];
  }
  if (command.save !== undefined && ofSaving.has(code)) {
    return [
      "  The job has succeeded. Save its model, there or with another --out, with:",
      `  ${command.save(job)}`,
      life,
    ];
  }
  return [life];
}

function interruptedLines(job: JobId | undefined, command: JobCommand): string[] {
  if (job === undefined) return ["Interrupted. No job was submitted; start again when you like."];
  if (command.cluster.name !== "local") {
    return ["Interrupted: it is no longer waited for.", ...goesOnLines(job, command)];
  }
  if (command.resume === undefined) return ["Interrupted. Start it again when you like."];
  return ["Interrupted. Committed rounds are kept. Go on with:", `  ${command.resume(job)}`];
}

/** Interrupting whoever waits for a job in the cloud stops nothing. */
function goesOnLines(job: JobId, command: JobCommand): string[] {
  const again =
    command.resume === undefined ? [] : ["  wait for it again, and save its model:", `  ${command.resume(job)}`];
  return [`${job} goes on in the cloud.`, ...again, ...cloudLines(job, command.cluster.name)];
}

import { setTimeout as sleep } from "node:timers/promises";
import { parseJobId, StampedeError, type JobEvent, type JobId } from "@stampede/core";
import {
  chooseCluster,
  clusterWords,
  withCluster,
  type Client,
  type ClusterName,
  type OpenCluster,
} from "../cluster.js";
import { exitCode, type ExitCode } from "../exit-code.js";
import type { Host } from "../host.js";
import { listenForInterrupt } from "../interruption.js";
import type { JobView } from "../present/job-view.js";
import { makePresenter, type Presenter } from "../present/presenter.js";
import { evaluateSummary, predictSummary, trainSummary } from "../present/summary.js";
import { reportError } from "../report-error.js";
import type { JobsOptions } from "./jobs.js";
import { readNumber } from "./options.js";
import { shorterPath } from "./shorter-path.js";
import { Silence, silenceLines, silenceOf } from "./silence.js";

type LastEvent = Extract<JobEvent, { event: "job.succeeded" | "job.failed" }>;

/** How often new events of a job are looked for that another process runs. */
const pollMs = 500;
/** What a process has to say its last word after its job has ended: a model is written within that. */
const lastWordMs = 30_000;

export interface WatchOptions extends JobsOptions {
  readonly giveUpAfter?: string;
}

/** `stampede jobs watch ID`: follows a job until it has ended, or the process that runs it was interrupted. */
export async function watchJob(host: Host, id: string, options: WatchOptions): Promise<ExitCode> {
  const job = parseJobId(id);
  const seconds = readNumber("--give-up-after", options.giveUpAfter, { above: 0 });
  const silence = new Silence(seconds === undefined ? undefined : seconds * 1000);
  const choice = chooseCluster(host, options);
  return withCluster(host, choice, async (client, cluster) => {
    const presenter = makePresenter(host, { json: options.json === true });
    const interruption = listenForInterrupt(host, () => presenter.close(undefined, []));
    try {
      const last = await follow(
        { client, cluster, name: choice.name, job, host, presenter, silence },
        interruption.signal,
      );
      presenter.close(last, summaryOf(presenter.view, last, host));
      if (last.event === "job.succeeded") return exitCode.done;
      presenter.note(reportError(errorOf(last), host).lines);
      return exitCode.failed;
    } catch (error) {
      if (interruption.signal.aborted) return exitCode.interrupted;
      presenter.close(undefined, []);
      throw error;
    } finally {
      interruption.dispose();
    }
  });
}

interface Watched {
  readonly client: Client;
  readonly cluster: OpenCluster;
  readonly name: ClusterName;
  readonly job: JobId;
  readonly host: Host;
  readonly presenter: Presenter;
  readonly silence: Silence;
}

async function follow(watched: Watched, signal: AbortSignal): Promise<LastEvent> {
  const { cluster, name, job, host, presenter, silence } = watched;
  let told = 0;
  let ended: { readonly status: string; readonly seenAt: number } | undefined;
  for (let polls = 0; ; polls += 1) {
    const events = await cluster.events(job);
    for (const event of events.slice(told)) presenter.event(event);
    // What was told before we came was heard when it says; not every event does.
    if (events.length > told) silence.heard(polls === 0 ? lastTimeIn(events) : host.now());
    told = events.length;
    const last = events.at(-1);
    if (last !== undefined && isLast(last)) return last;
    if (polls === 0 || silence.isLookDue(host.now())) {
      // It had ended before, and its process has said nothing since.
      if (ended !== undefined && host.now() - ended.seenAt >= lastWordMs) return lostLastEvent(job, ended.status, name);
      const { status, last: given } = await lookFor(watched, polls);
      if (given !== undefined) return given;
      if (status !== "unfinished") ended ??= { status, seenAt: host.now() };
    }
    await sleep(pollMs, undefined, { signal });
  }
}

/** Looks whether the job has ended, and says when it seems to be dead. */
async function lookFor(
  watched: Watched,
  polls: number,
): Promise<{ readonly status: string; readonly last?: LastEvent }> {
  const { client, cluster, name, job, host, presenter, silence } = watched;
  const pulse = await client.feelPulse(cluster, job);
  const { status, kind, isPrepared } = pulse;
  // Once: the first look.
  if (status === "unfinished" && !isPrepared && polls === 0) {
    presenter.note([`${job} is still being prepared in the cloud. Watching on.`]);
  }
  const verdict = silence.judge(pulse, host.now());
  if (status !== "unfinished" || verdict.type === "heard") return { status };
  const { forMs } = verdict;
  if (verdict.type === "give-up") {
    const message = `${silenceOf(job, forMs, name)} It was left as it is and can be resumed.`;
    return { status, last: { event: "job.failed", job, code: "job.silent", message } };
  }
  presenter.note(silenceLines(job, kind, forMs, name));
  return { status };
}

function lastTimeIn(events: readonly JobEvent[]): number {
  return events.reduce((latest, event) => ("at" in event ? Math.max(latest, event.at) : latest), -Infinity);
}

/** A job's own reason stands in its message: the words that belong to its code may speak of another command. */
function errorOf({ code, message }: Extract<LastEvent, { event: "job.failed" }>): StampedeError {
  return code === "job.silent"
    ? new StampedeError(code, message)
    : new StampedeError("job.failed", `${code}: ${message}`);
}

function isLast(event: JobEvent): event is LastEvent {
  return event.event === "job.succeeded" || event.event === "job.failed";
}

/** The process that ran the job died between its result and its last word. */
function lostLastEvent(job: JobId, status: string, name: ClusterName): LastEvent {
  const message = `The job has ended as ${status}, but the process that ran it died before it said so. See stampede jobs show ${job}${clusterWords(name)}.`;
  return { event: "job.failed", job, code: status === "cancelled" ? "job.cancelled" : "job.failed", message };
}

function summaryOf(view: JobView, last: LastEvent, host: Host): readonly string[] {
  if (last.event === "job.failed") return [];
  const options = { validationName: "Validation", path: (path: string) => shorterPath(host.cwd, path) } as const;
  const kind = view.submitted?.kind ?? "train";
  if (kind === "train") return trainSummary(view, last, options);
  return kind === "evaluate" ? evaluateSummary(view, last) : predictSummary(view, last, options);
}

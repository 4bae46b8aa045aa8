import { setTimeout as sleep } from "node:timers/promises";
import { parseJobId, StampedeError, type JobEvent, type JobId } from "@stampede/core";
import { withCluster, type Client, type OpenCluster } from "../cluster.js";
import { exitCode, type ExitCode } from "../exit-code.js";
import type { Host } from "../host.js";
import { listenForInterrupt } from "../interruption.js";
import type { JobView } from "../present/job-view.js";
import { makePresenter } from "../present/presenter.js";
import { evaluateSummary, predictSummary, trainSummary } from "../present/summary.js";
import { reportError } from "../report-error.js";
import type { JobsOptions } from "./jobs.js";
import { shorterPath } from "./shorter-path.js";

type LastEvent = Extract<JobEvent, { event: "job.succeeded" | "job.failed" }>;

/** How often new events of a job are looked for that another process runs. */
const pollMs = 500;
/** A job's facts are many small objects, so they are asked for every half minute; a model is written within that, too. */
const pollsPerStatus = 60;

/** `stampede jobs watch ID`: follows a job until it has ended, or the process that runs it was interrupted. */
export async function watchJob(host: Host, id: string, options: JobsOptions): Promise<ExitCode> {
  const job = parseJobId(id);
  return withCluster(host, async (client, cluster) => {
    const presenter = makePresenter(host, { json: options.json === true });
    const interruption = listenForInterrupt(host, () => presenter.close(undefined, []));
    try {
      const last = await follow({ client, cluster, job }, (event) => presenter.event(event), interruption.signal);
      presenter.close(last, summaryOf(presenter.view, last, host));
      if (last.event === "job.succeeded") return exitCode.done;
      presenter.note(reportError(new StampedeError("job.failed", `${last.code}: ${last.message}`), host).lines);
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
  readonly job: JobId;
}

async function follow(watched: Watched, tell: (event: JobEvent) => void, signal: AbortSignal): Promise<LastEvent> {
  const { client, cluster, job } = watched;
  let told = 0;
  let ended: string | undefined;
  for (let polls = 0; ; polls += 1) {
    const events = await cluster.events(job);
    for (const event of events.slice(told)) tell(event);
    told = events.length;
    const last = events.at(-1);
    if (last !== undefined && isLast(last)) return last;
    if (polls % pollsPerStatus === 0) {
      // It had ended when we last asked, and its process has said nothing since.
      if (ended !== undefined) return lostLastEvent(job, ended);
      const { status } = await client.showJob(cluster, job);
      if (status !== "unfinished") ended = status;
    }
    await sleep(pollMs, undefined, { signal });
  }
}

function isLast(event: JobEvent): event is LastEvent {
  return event.event === "job.succeeded" || event.event === "job.failed";
}

/** The process that ran the job died between its result and its last word. */
function lostLastEvent(job: JobId, status: string): LastEvent {
  const message = `The job has ended as ${status}, but the process that ran it died before it said so. See stampede jobs show ${job}.`;
  return { event: "job.failed", job, code: status === "cancelled" ? "job.cancelled" : "job.failed", message };
}

function summaryOf(view: JobView, last: LastEvent, host: Host): readonly string[] {
  if (last.event === "job.failed") return [];
  const options = { validationName: "Validation", path: (path: string) => shorterPath(host.cwd, path) } as const;
  const kind = view.submitted?.kind ?? "train";
  if (kind === "train") return trainSummary(view, last, options);
  return kind === "evaluate" ? evaluateSummary(view, last) : predictSummary(view, last, options);
}

import { parseJobId } from "@stampede/core";
import { chooseCluster, withCluster, type ClusterOptions } from "../cluster.js";
import { exitCode, type ExitCode } from "../exit-code.js";
import { voiceFor, type Host } from "../host.js";
import { logLines } from "../present/plain.js";
import { jobLife, jobTable } from "../present/jobs.js";

export interface JobsOptions extends Pick<ClusterOptions, "cluster"> {
  readonly json?: boolean;
}

/** `stampede jobs list` */
export async function listJobs(host: Host, options: JobsOptions): Promise<ExitCode> {
  return withCluster(host, chooseCluster(host, options), async (client, cluster) => {
    const jobs = await client.listJobs(cluster);
    print(host, options, jobs, () => jobTable(jobs));
    return exitCode.done;
  });
}

/** `stampede jobs show ID` */
export async function showJob(host: Host, id: string, options: JobsOptions): Promise<ExitCode> {
  const job = parseJobId(id);
  return withCluster(host, chooseCluster(host, options), async (client, cluster) => {
    const details = await client.showJob(cluster, job);
    print(host, options, [details], () => jobLife(details, chooseCluster(host, options).name));
    return exitCode.done;
  });
}

/** `stampede jobs logs ID` */
export async function showLogs(host: Host, id: string, options: JobsOptions): Promise<ExitCode> {
  const job = parseJobId(id);
  return withCluster(host, chooseCluster(host, options), async (client, cluster) => {
    await client.showJob(cluster, job);
    const events = await cluster.events(job);
    print(host, options, events, () => logLines(events));
    return exitCode.done;
  });
}

/** `stampede jobs cancel ID` */
export async function cancelJob(host: Host, id: string, options: JobsOptions): Promise<ExitCode> {
  const job = parseJobId(id);
  return withCluster(host, chooseCluster(host, options), async (client, cluster) => {
    await client.cancelJob(cluster, job);
    print(host, options, [{ job, cancelRequested: true }], () => [`${job} is asked to stop.`]);
    return exitCode.done;
  });
}

function print(host: Host, options: JobsOptions, values: readonly object[], lines: () => readonly string[]): void {
  const json = voiceFor(host, options.json === true) === "json";
  const output = json ? values.map((value) => JSON.stringify(value)) : lines();
  if (output.length > 0) host.stdout.write(`${output.join("\n")}\n`);
}

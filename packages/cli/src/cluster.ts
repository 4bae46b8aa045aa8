import { resolve } from "node:path";
import type { Cluster, LocalClusterOptions } from "@stampede/client";
import { StampedeError, type JobId } from "@stampede/core";
import type { Host } from "./host.js";

export type Client = typeof import("@stampede/client");
type Isolation = NonNullable<LocalClusterOptions["isolation"]>;

/** A cluster that is to be closed. */
export interface OpenCluster extends Cluster {
  /** Whether an executor runs native code in this process right now. */
  readonly isInNative: boolean;
  close(): Promise<void>;
}

const names = ["local", "aws"] as const;
export type ClusterName = (typeof names)[number];

/** Where a command finds its jobs, and what it starts there. */
export interface ClusterChoice {
  readonly name: ClusterName;
  /** What each executor runs in, on this machine. */
  readonly isolation?: Isolation | undefined;
}

export interface ClusterOptions {
  readonly cluster?: string;
  readonly isolation?: string;
}

/** The folder of the local store: STAMPEDE_HOME, else `.stampede` in the current folder. */
export function homeFolder(host: Pick<Host, "env" | "cwd">): string {
  const named = host.env["STAMPEDE_HOME"];
  return resolve(host.cwd, named === undefined || named === "" ? ".stampede" : named);
}

/**
 * The cluster that `--cluster` names, else STAMPEDE_CLUSTER, else this machine.
 * @throws StampedeError `option.invalid`
 */
export function chooseCluster(host: Pick<Host, "env">, options: ClusterOptions): ClusterChoice {
  const isolation = readIsolation(options.isolation);
  const fromEnvironment = host.env["STAMPEDE_CLUSTER"];
  const given = options.cluster ?? (fromEnvironment === "" ? undefined : fromEnvironment) ?? "local";
  const name = names.find((each) => each === given);
  if (name === undefined) {
    const place = options.cluster === undefined ? "STAMPEDE_CLUSTER to be local" : "--cluster local";
    throw invalid(`Expected ${place} (this machine) or aws, found ${JSON.stringify(given)}.`);
  }
  if (name === "local") return { name, isolation };
  if (isolation === undefined) return { name };
  throw invalid("Expected no --isolation with --cluster aws, where each executor is a function; found one.");
}

/** What stands behind the commands that people are told to use next. */
export function clusterWords(name: ClusterName): string {
  return name === "local" ? "" : ` --cluster ${name}`;
}

/** How a job in the cloud, which nobody needs to wait for, is followed and ended. */
export function cloudLines(job: JobId): string[] {
  return [
    `  follow it: stampede jobs watch ${job} --cluster aws`,
    `  end it:    stampede jobs cancel ${job} --cluster aws`,
  ];
}

const isolations: readonly Isolation[] = ["thread", "process"];

/** @throws StampedeError `option.invalid` */
export function readIsolation(text: string | undefined): Isolation | undefined {
  const found = isolations.find((each) => each === text);
  if (found !== undefined || text === undefined) return found;
  throw invalid(`Expected --isolation ${isolations.join(" or ")}, found ${JSON.stringify(text)}.`);
}

function invalid(message: string): StampedeError {
  return new StampedeError("option.invalid", `${message} Nothing was started.`);
}

/** Loads the client, which is too heavy for `--help`, and opens the cluster. Close it. */
export async function openCluster(
  host: Host,
  { name, isolation }: ClusterChoice,
): Promise<{ client: Client; cluster: OpenCluster }> {
  const client = await import("@stampede/client");
  if (name === "aws") return { client, cluster: client.awsCluster({}, host.env) };
  return { client, cluster: client.localCluster({ home: homeFolder(host), ...(isolation && { isolation }) }) };
}

export async function withCluster<T>(
  host: Host,
  choice: ClusterChoice,
  act: (client: Client, cluster: OpenCluster) => Promise<T>,
): Promise<T> {
  const { client, cluster } = await openCluster(host, choice);
  try {
    return await act(client, cluster);
  } finally {
    await cluster.close();
  }
}

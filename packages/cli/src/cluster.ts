import { resolve } from "node:path";
import type { Cluster, HttpCluster, LocalClusterOptions } from "@stampede/client";
import { StampedeError, type JobId } from "@stampede/core";
import type { Host } from "./host.js";

/** What looks after jobs; what runs them is loaded by those commands that do. */
export type Client = typeof import("@stampede/client/jobs");
type Isolation = NonNullable<LocalClusterOptions["isolation"]>;

/** A cluster that is to be closed, and whose store this process sees. */
export interface StoreCluster extends Cluster {
  /** Whether an executor runs native code in this process right now. */
  readonly isInNative: boolean;
  close(): Promise<void>;
}

export type OpenCluster = StoreCluster | HttpCluster;

/** This machine, AWS, or the URL of an endpoint. */
export type ClusterName = "local" | "aws" | `http://${string}` | `https://${string}`;

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
  if (!isClusterName(given)) {
    const place = options.cluster === undefined ? "STAMPEDE_CLUSTER to be local" : "--cluster local";
    throw invalid(`Expected ${place} (this machine), aws or the URL of an endpoint, found ${JSON.stringify(given)}.`);
  }
  if (given === "local") return { name: given, isolation };
  if (isolation === undefined) return { name: given };
  throw invalid(`Expected no --isolation with --cluster ${given}, where executors are started elsewhere; found one.`);
}

function isClusterName(text: string): text is ClusterName {
  return text === "local" || text === "aws" || (/^https?:\/\//.test(text) && URL.canParse(text));
}

/** What stands behind the commands that people are told to use next. */
export function clusterWords(name: ClusterName): string {
  return name === "local" ? "" : ` --cluster ${name}`;
}

/** How a job that runs elsewhere, which nobody needs to wait for, is followed and ended. */
export function cloudLines(job: JobId, name: ClusterName): string[] {
  return [
    `  follow it: stampede jobs watch ${job}${clusterWords(name)}`,
    `  end it:    stampede jobs cancel ${job}${clusterWords(name)}`,
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
  const client = await import("@stampede/client/jobs");
  if (name === "aws") return { client, cluster: client.awsCluster({}, host.env) };
  if (name !== "local") return { client, cluster: client.httpCluster({ url: name, token: tokenFor(host, name) }) };
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

/** @throws StampedeError `option.invalid` for an endpoint: it gives nobody its store */
export async function withStore<T>(
  host: Host,
  choice: ClusterChoice,
  act: (client: Client, cluster: StoreCluster) => Promise<T>,
): Promise<T> {
  return withCluster(host, choice, async (client, cluster) => {
    if (!(cluster instanceof client.HttpCluster)) return act(client, cluster);
    throw invalid(`Expected --cluster local or aws here, found ${choice.name}, which gives nobody its store.`);
  });
}

/** @throws StampedeError `option.invalid` */
function tokenFor({ env }: Host, name: ClusterName): string {
  const token = env["STAMPEDE_TOKEN"];
  if (token !== undefined && token !== "") return token;
  throw invalid(`Expected a token for ${name} in the environment variable STAMPEDE_TOKEN, found none.`);
}

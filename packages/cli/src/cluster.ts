import { resolve } from "node:path";
import type { LocalClusterOptions } from "@stampede/client";
import { StampedeError } from "@stampede/core";
import type { Host } from "./host.js";

export type Client = typeof import("@stampede/client");
export type OpenCluster = ReturnType<Client["localCluster"]>;
export type Isolation = NonNullable<LocalClusterOptions["isolation"]>;

/** The folder of the local store: STAMPEDE_HOME, else `.stampede` in the current folder. */
export function homeFolder(host: Pick<Host, "env" | "cwd">): string {
  const named = host.env["STAMPEDE_HOME"];
  return resolve(host.cwd, named === undefined || named === "" ? ".stampede" : named);
}

/** @throws StampedeError `option.invalid` for a cluster other than `local` */
export function checkCluster(cluster: string | undefined): void {
  if (cluster === undefined || cluster === "local") return;
  throw new StampedeError(
    "option.invalid",
    `Expected --cluster local (this machine), found ${JSON.stringify(cluster)}. Nothing was started.`,
  );
}

const isolations: readonly Isolation[] = ["thread", "process"];

/** @throws StampedeError `option.invalid` */
export function readIsolation(text: string | undefined): Isolation | undefined {
  const found = isolations.find((each) => each === text);
  if (found !== undefined || text === undefined) return found;
  throw new StampedeError(
    "option.invalid",
    `Expected --isolation ${isolations.join(" or ")}, found ${JSON.stringify(text)}. Nothing was started.`,
  );
}

/** Loads the client, which is too heavy for `--help`, and opens the local cluster. Close it. */
export async function openCluster(
  host: Host,
  isolation?: Isolation,
): Promise<{ client: Client; cluster: OpenCluster }> {
  const client = await import("@stampede/client");
  return { client, cluster: client.localCluster({ home: homeFolder(host), ...(isolation && { isolation }) }) };
}

export async function withCluster<T>(
  host: Host,
  act: (client: Client, cluster: OpenCluster) => Promise<T>,
): Promise<T> {
  const { client, cluster } = await openCluster(host);
  try {
    return await act(client, cluster);
  } finally {
    await cluster.close();
  }
}

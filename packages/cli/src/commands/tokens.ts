import { resolve } from "node:path";
import { StampedeError } from "@stampede/core";
import type { TokenRecord } from "@stampede/api/tokens";
import { chooseCluster, withStore, type ClusterOptions, type StoreCluster } from "../cluster.js";
import { exitCode, type ExitCode } from "../exit-code.js";
import { voiceFor, type Host } from "../host.js";
import { printable, table } from "../present/text.js";
import { readNumber } from "./options.js";

export interface TokensOptions extends Pick<ClusterOptions, "cluster"> {
  readonly store?: string;
  readonly json?: boolean;
}

export interface CreateOptions extends TokensOptions {
  readonly name: string;
  readonly scope: string;
  readonly days?: string;
}

const dayMs = 86_400_000;

/** `stampede tokens create` */
export async function createToken(host: Host, options: CreateOptions): Promise<ExitCode> {
  const api = await import("@stampede/api/tokens");
  const { scopes } = await import("@stampede/api/contract");
  const scope = scopes.find((each) => each === options.scope);
  if (scope === undefined) {
    const found = JSON.stringify(options.scope);
    throw new StampedeError(
      "option.invalid",
      `Expected --scope ${scopes.join(", ")}, found ${found}. Nothing was made.`,
    );
  }
  const days = readNumber("--days", options.days, { above: 0 });
  return inStore(host, options, async (cluster) => {
    const expiresAt = days === undefined ? {} : { expiresAt: Math.round(host.now() + days * dayMs) };
    const wish = { name: options.name, scope, ...expiresAt };
    const { token, record } = await api.createToken(wish, await cluster.open(), { now: () => host.now() });
    const line = { ...shown(record), token };
    print(host, options, [line], () => [
      `Token ${record.id} (${scope}). It is shown once, and kept nowhere:`,
      `  ${token}`,
    ]);
    return exitCode.done;
  });
}

/** `stampede tokens list` */
export async function listTokens(host: Host, options: TokensOptions): Promise<ExitCode> {
  const api = await import("@stampede/api/tokens");
  return inStore(host, options, async (cluster) => {
    const tokens = (await api.listTokens(await cluster.open())).map(shown);
    print(host, options, tokens, () => tokenTable(tokens));
    return exitCode.done;
  });
}

/** `stampede tokens revoke ID` */
export async function revokeToken(host: Host, id: string, options: TokensOptions): Promise<ExitCode> {
  const api = await import("@stampede/api/tokens");
  return inStore(host, options, async (cluster) => {
    await api.revokeToken(id, await cluster.open());
    print(host, options, [{ id, revoked: true }], () => [`${id} is good no longer.`]);
    return exitCode.done;
  });
}

type Shown = Omit<TokenRecord, "sha256" | "version">;

function shown({ sha256: _, version: __, ...rest }: TokenRecord): Shown {
  return rest;
}

function tokenTable(tokens: readonly Shown[]): readonly string[] {
  if (tokens.length === 0) return ["There are no tokens."];
  const day = (at: number | undefined): string =>
    at === undefined ? "never" : new Date(at).toISOString().slice(0, 10);
  const rows = tokens.map(({ id, scope, createdAt, expiresAt, name }) => [
    id,
    scope,
    day(createdAt),
    day(expiresAt),
    printable(name),
  ]);
  return table([["ID", "SCOPE", "MADE", "EXPIRES", "NAME"], ...rows]);
}

/** @throws StampedeError `option.invalid` for an endpoint: whoever makes tokens has access to the store itself */
async function inStore(
  host: Host,
  options: TokensOptions,
  act: (cluster: StoreCluster) => Promise<ExitCode>,
): Promise<ExitCode> {
  const choice = chooseCluster(host, options);
  const home = options.store;
  if (home !== undefined && choice.name !== "local") {
    throw new StampedeError("option.invalid", "Expected no --store where the cluster is not this machine, found one.");
  }
  const there = home === undefined ? host : { ...host, env: { ...host.env, STAMPEDE_HOME: resolve(host.cwd, home) } };
  return withStore(there, choice, (_, cluster) => act(cluster));
}

function print(host: Host, options: TokensOptions, values: readonly object[], lines: () => readonly string[]): void {
  const json = voiceFor(host, options.json === true) === "json";
  const output = json ? values.map((value) => JSON.stringify(value)) : lines();
  if (output.length > 0) host.stdout.write(`${output.join("\n")}\n`);
}

import { IncomingMessage } from "node:http";
import { availableParallelism } from "node:os";
import { FolderObjectStore, systemClock, systemUnique } from "@stampede/local";
import { buildApi } from "../app/app.js";
import type { AccessEntry, ApiLimits } from "../app/deps.js";
import { createToken, listTokens } from "../tokens/tokens.js";
import { listen } from "./http-server.js";
import type { RunnerTrouble } from "./messages.js";
import { Runner } from "./runner.js";

export interface ServeOptions {
  /** The folder of jobs and data. One process serves a folder. */
  readonly home: string;
  /** @default "127.0.0.1": this machine alone */
  readonly host?: string;
  /** 0 takes any that is free. @default 4747 */
  readonly port?: number;
  /** Executors at the same time. @default the number of cores */
  readonly threads?: number;
  readonly isolation?: "thread" | "process";
  /** Of one executor, in MiB. @default 4096 */
  readonly memoryLimitMb?: number;
  /** Jobs that are prepared or run at the same time. @default 2 */
  readonly jobsAtOnce?: number;
  /** Web pages that may speak to the endpoint from a browser (CORS). @default none */
  readonly origins?: readonly string[];
  readonly limits?: Partial<ApiLimits>;
  readonly version: string;
  readonly log: (entry: AccessEntry) => void;
  /** Hears of jobs that stopped without a result. */
  readonly onTrouble: (trouble: RunnerTrouble) => void;
}

export interface Served {
  readonly url: string;
  /** A token of the scope `admin`, made because there was none at all: to be shown once. */
  readonly firstToken: string | undefined;
  /** Jobs under way stay as they are, and go on when the folder is served again. */
  close(): Promise<void>;
}

const defaultMemoryMb = 4096;
export const defaultPort = 4747;

/**
 * The HTTP API on this machine: jobs run here, and data and jobs live in a folder.
 * @throws StampedeError `option.invalid` when the address cannot be listened on; `store.*`
 */
export async function serve(options: ServeOptions): Promise<Served> {
  const { home, host = "127.0.0.1", port = defaultPort, version, log } = options;
  const { threads = availableParallelism(), memoryLimitMb = defaultMemoryMb, isolation = "thread" } = options;
  const store = FolderObjectStore.open(home);
  const settings = { home, threads, isolation, memoryLimitMb, jobsAtOnce: options.jobsAtOnce ?? 2 };
  const runner = new Runner(settings, options.onTrouble);
  const api = buildApi({
    store,
    clock: systemClock,
    unique: systemUnique,
    queues: { driver: runner.queue },
    capacity: { cores: availableParallelism(), executors: threads, memoryBytes: memoryLimitMb * 2 ** 20 },
    transfer: { by: "endpoint" },
    buckets: [],
    origins: options.origins ?? [],
    limits: { lookMs: 250, ...options.limits },
    version,
    log,
    addressOf,
  });
  try {
    const server = await listen(api.app, { host, port });
    const close = async (): Promise<void> => {
      api.close();
      await Promise.all([server.close(), runner.close()]);
    };
    return { url: `http://${inUrl(host)}:${server.port}`, firstToken: await firstToken(store), close };
  } catch (error) {
    await runner.close();
    throw error;
  }
}

async function firstToken(store: FolderObjectStore): Promise<string | undefined> {
  if ((await listTokens(store)).length > 0) return undefined;
  const { token } = await createToken({ name: "made by stampede serve", scope: "admin" }, store, systemClock);
  return token;
}

function inUrl(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** @param env what the adapter for Node.js gives the app beside the request */
function addressOf(env: unknown): string {
  const incoming = typeof env === "object" && env !== null && "incoming" in env ? env.incoming : undefined;
  return (incoming instanceof IncomingMessage ? incoming.socket.remoteAddress : undefined) ?? "unknown";
}

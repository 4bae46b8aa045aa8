import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.js";
import { preparePython } from "./python-environment.js";
import { ServerProcess } from "./server-process.js";

/** Pinned: what it does and does not do is written down for this version. */
const version = "1.5.33";

export interface MiniStackOptions {
  /** Keeps S3, queues and functions here when it is ended with SIGTERM. @default nothing is kept */
  readonly stateFolder?: string;
  /** @default a free one */
  readonly port?: number;
  /** Evaluates the policies of users and function roles. @default false */
  readonly checkPermissions?: boolean;
  /** Surplus environments of a function end when they were idle for so long. @default 30 */
  readonly warmSeconds?: number;
}

/** A running emulator of S3, SQS, Lambda and IAM, on the loopback interface. */
export interface MiniStack {
  readonly endpoint: string;
  readonly port: number;
  /** All it has written to stdout and stderr: its own words and what functions log. */
  log(): string;
  /** Removes everything and ends every function's environments. */
  reset(): Promise<void>;
  /** Ends it as a machine that is shut down, and starts it again on the same port: with its state, where there is a `stateFolder`. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Installs it where it is not yet there.
 * @returns the folder of its commands
 */
export function installMiniStack(): Promise<string> {
  return preparePython({ name: `ministack-${version}`, install: [`ministack==${version}`] });
}

/**
 * Starts MiniStack (https://pypi.org/project/ministack), installing it first where it is not yet.
 * @throws Error when it does not come up: with its last words
 */
export async function startMiniStack(options: MiniStackOptions = {}): Promise<MiniStack> {
  const commands = await installMiniStack();
  const port = options.port ?? (await freePort());
  // Outside of the repository: functions would otherwise find its modules, and be taken for some of its own.
  const scratch = await mkdtemp(join(tmpdir(), "stampede-ministack-"));
  const endpoint = `http://127.0.0.1:${port}`;
  const server = new ServerProcess({
    name: "MiniStack",
    command: join(commands, "ministack"),
    folder: scratch,
    environment: { ...inherited(), ...environmentOf(options, port, scratch) },
    healthUrl: `${endpoint}/_ministack/health`,
  });
  await server.begin();
  return {
    endpoint,
    port,
    log: () => server.log,
    reset: async () => {
      const answer = await fetch(`${endpoint}/_ministack/reset`, { method: "POST" });
      if (!answer.ok) throw new Error(`Expected MiniStack to reset, found status ${answer.status}.`);
    },
    restart: async () => {
      await server.end();
      await server.begin();
    },
    stop: async () => {
      await server.end();
      await rm(scratch, { recursive: true, force: true });
    },
  };
}

/** Functions inherit the emulator's environment: nothing of the user's may reach them. */
function inherited(): NodeJS.ProcessEnv {
  const { PATH, HOME, LANG } = process.env;
  return { PATH, HOME, LANG };
}

function environmentOf(
  { stateFolder, checkPermissions = false, warmSeconds = 30 }: MiniStackOptions,
  port: number,
  scratch: string,
): NodeJS.ProcessEnv {
  return {
    TMPDIR: scratch,
    BIND_HOST: "127.0.0.1",
    GATEWAY_PORT: String(port),
    IOT_MTLS_ENABLED: "0",
    LAMBDA_ACCOUNT_CONCURRENCY: "1000",
    LAMBDA_WARM_TTL_SECONDS: String(warmSeconds),
    // Of onnxruntime: it would otherwise write a file for every process, and has an address to send it to.
    ORT_DISABLE_TELEMETRY: "1",
    ...(checkPermissions && { AUTH: "true" }),
    ...(stateFolder !== undefined && {
      PERSIST_STATE: "1",
      STATE_DIR: join(stateFolder, "state"),
      S3_PERSIST: "1",
      S3_DATA_DIR: join(stateFolder, "s3"),
    }),
  };
}

import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "./free-port.js";
import { preparePython } from "./python-environment.js";
import { ServerProcess } from "./server-process.js";

const run = promisify(execFile);

/** The last release that needs no token. */
const version = "4.14.0";
const requirements = join(import.meta.dirname, "localstack-requirements.txt");

/** A running emulator of S3 and SQS, on the loopback interface. It has no way to be emptied: use fresh names. */
export interface LocalStack {
  readonly endpoint: string;
  /** All it has written to stdout and stderr. */
  log(): string;
  stop(): Promise<void>;
}

/** The one that LocalStack runs with, which its metadata do not say; undefined where it is missing. */
export async function findPython313(): Promise<string | undefined> {
  const versions = join(process.env["PYENV_ROOT"] ?? join(homedir(), ".pyenv"), "versions");
  const installed = await readdir(versions).catch(() => []);
  const ofPyenv = installed
    .filter((name) => name.startsWith("3.13."))
    .map((name) => join(versions, name, "bin/python"));
  for (const python of ["python3.13", "python3", ...ofPyenv]) if (await is313(python)) return python;
  return undefined;
}

function is313(python: string): Promise<boolean> {
  return run(python, ["--version"]).then(
    ({ stdout }) => stdout.startsWith("Python 3.13."),
    () => false,
  );
}

/**
 * Installs it where it is not yet there.
 * @returns the folder of its commands
 */
export function installLocalStack(python: string): Promise<string> {
  return preparePython({ name: `localstack-${version}`, python, install: ["-r", requirements] });
}

/**
 * Starts LocalStack without a container (https://pypi.org/project/localstack-core), installing it first where it is not yet: a minute.
 *
 * @param python see `findPython313`
 * @throws Error when it does not come up: with its last words
 */
export async function startLocalStack(python: string): Promise<LocalStack> {
  const commands = await installLocalStack(python);
  const port = await freePort();
  // Of its own: LocalStack takes a folder `moto` of the working directory for a package.
  const scratch = await mkdtemp(join(tmpdir(), "stampede-localstack-"));
  const endpoint = `http://127.0.0.1:${port}`;
  const server = new ServerProcess({
    name: "LocalStack",
    // Passes a signal on, and waits for the emulator.
    command: join(commands, "localstack-supervisor"),
    folder: scratch,
    environment: environmentOf(commands, port, scratch),
    healthUrl: `${endpoint}/_localstack/health`,
  });
  await server.begin();
  return {
    endpoint,
    log: () => server.log,
    stop: async () => {
      await server.end();
      await rm(scratch, { recursive: true, force: true });
    },
  };
}

function environmentOf(commands: string, port: number, scratch: string): NodeJS.ProcessEnv {
  const { PATH, LANG } = process.env;
  return {
    PATH: `${commands}:${PATH}`,
    LANG,
    HOME: scratch,
    TMPDIR: scratch,
    FILESYSTEM_ROOT: join(scratch, "files"),
    SERVICES: "s3,sqs",
    EAGER_SERVICE_LOADING: "1",
    // The default server would listen on all interfaces.
    GATEWAY_SERVER: "hypercorn",
    GATEWAY_LISTEN: `127.0.0.1:${port}`,
    LOCALSTACK_HOST: `127.0.0.1:${port}`,
    SQS_ENDPOINT_STRATEGY: "path",
    S3_SKIP_SIGNATURE_VALIDATION: "0",
    // It says nothing to anybody outside, and fetches nothing.
    DISABLE_EVENTS: "1",
    SKIP_SSL_CERT_DOWNLOAD: "1",
    DNS_ADDRESS: "false",
  };
}

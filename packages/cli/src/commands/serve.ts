import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { StampedeError } from "@stampede/core";
import { homeFolder, readIsolation } from "../cluster.js";
import { exitCode, type ExitCode } from "../exit-code.js";
import { voiceFor, type Host } from "../host.js";
import { listenForInterrupt } from "../interruption.js";
import { printable } from "../present/text.js";
import { readVersion } from "../version.js";
import { readWhole } from "./options.js";

export interface ServeOptions {
  readonly port: string;
  readonly host: string;
  readonly store?: string;
  readonly tokenFile?: string;
  readonly executors?: string;
  readonly jobs: string;
  readonly requestsPerSecond: string;
  readonly maxUploadMb: string;
  readonly allowOrigin: readonly string[];
  readonly isolation?: string;
  readonly json?: boolean;
}

/** What a large disk holds, in MiB. */
const maxUploadMb = 2 ** 24;
/** Closing is quick, but for native code in a thread that has to return. */
const closingMs = 5000;

/** `stampede serve`: until it is interrupted. */
export async function serve(host: Host, options: ServeOptions): Promise<ExitCode> {
  const { serve: serveApi } = await import("@stampede/api/serve");
  const home = options.store === undefined ? homeFolder(host) : resolve(host.cwd, options.store);
  const isolation = readIsolation(options.isolation);
  const threads = options.executors === undefined ? undefined : readWhole("--executors", options.executors, 1, 1024);
  let stop: () => void = () => undefined;
  const stopped = new Promise<void>((done) => {
    stop = done;
  });
  const interruption = listenForInterrupt(
    host,
    () => stop(),
    () => true,
    closingMs,
  );
  try {
    const served = await serveApi({
      home,
      host: options.host,
      port: readWhole("--port", options.port, 0, 65_535),
      ...(threads !== undefined && { threads }),
      ...(isolation && { isolation }),
      jobsAtOnce: readWhole("--jobs", options.jobs, 1, 1024),
      origins: options.allowOrigin.map(checkOrigin),
      limits: {
        requestsPerSecond: readWhole("--requests-per-second", options.requestsPerSecond, 1, 1_000_000),
        uploadBytes: readWhole("--max-upload-mb", options.maxUploadMb, 1, maxUploadMb) * 2 ** 20,
      },
      version: readVersion(),
      log: (entry) => void host.stderr.write(`${JSON.stringify(entry)}\n`),
      onTrouble: (trouble) => void host.stderr.write(`${JSON.stringify(trouble)}\n`),
    });
    await announce(host, options, { ...served, home });
    await stopped;
    await served.close();
    return exitCode.done;
  } finally {
    interruption.dispose();
  }
}

async function announce(
  host: Host,
  { tokenFile, json }: ServeOptions,
  { url, home, firstToken }: { readonly url: string; readonly home: string; readonly firstToken: string | undefined },
): Promise<void> {
  const path = tokenFile === undefined ? undefined : resolve(host.cwd, tokenFile);
  if (path !== undefined && firstToken !== undefined) {
    await writeFile(path, `${firstToken}\n`, { mode: 0o600, flag: "wx" });
  }
  const shown = path === undefined ? firstToken : undefined;
  if (voiceFor(host, json === true) === "json") {
    const line = {
      event: "serve.started",
      url,
      store: home,
      ...(path && { tokenFile: path }),
      ...(shown && { token: shown }),
    };
    host.stdout.write(`${JSON.stringify(line)}\n`);
    return;
  }
  host.stdout.write(
    `${[`Serving ${url}, jobs live in ${printable(home)}.`, ...tokenLines(firstToken, path)].join("\n")}\n`,
  );
}

function tokenLines(firstToken: string | undefined, path: string | undefined): readonly string[] {
  if (firstToken === undefined) return ["Its tokens were made before; `stampede tokens create` makes another."];
  if (path !== undefined) return [`The first token, which may do everything, is in ${printable(path)}.`];
  return ["The first token, which may do everything. It is shown once, and kept nowhere:", `  ${firstToken}`];
}

function checkOrigin(text: string): string {
  if (URL.canParse(text) && new URL(text).origin === text) return text;
  const message = `Expected an origin such as https://example.org after --allow-origin, found ${JSON.stringify(text)}. Nothing was started.`;
  throw new StampedeError("option.invalid", message);
}

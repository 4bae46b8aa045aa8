import crypto from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mocks } from "./answers.js";
import { evaluateApp, evaluateRun, type App } from "./evaluate.js";
import type { Synthesised } from "./graph.js";
import { region, workFolder } from "./paths.js";
import { pulumi, type Mocks } from "./pulumi.js";
import { plain, recordResources } from "./record.js";
import { startRpcServer } from "./rpc-server.js";

/**
 * Evaluates `sst.config.ts` for one stage as the `sst` command does before it starts Pulumi's engine, against a monitor in memory: no
 * engine, no provider, no account, no network. Writes the graph of all resources to a file; exit code 1 and the errors on stderr
 * when there is none.
 */
const [, , configFile = "", stage = "", file = ""] = process.argv;
const scratch = join(workFolder, "synth", stage);
mkdirSync(scratch, { recursive: true });

const errors = new Set<string>();
// Whatever fails inside of an output comes as a rejection, several times.
const fail = (error: unknown): void => {
  const message = error instanceof Error ? error.message : String(error);
  if (message !== "") errors.add(message);
};
process.on("unhandledRejection", fail);
process.on("uncaughtException", fail);

let found: Synthesised | undefined;
// As with the engine, the program has ended when nothing is left to be done.
process.once("beforeExit", () => {
  if (found === undefined && errors.size === 0) fail("run() never ended: something that it waits for is left open");
  if (errors.size > 0) {
    process.stderr.write(`${[...errors].join("\n")}\n`);
    process.exitCode = 1;
    return;
  }
  writeFileSync(file, JSON.stringify(found));
});
synthesise().catch(fail);

async function synthesise(): Promise<void> {
  process.env["SST_SERVER"] = await startRpcServer();
  process.env["SST_AWS_REGION"] = region;
  pinRandomNames();
  const resources = recordResources();
  const app = await evaluateApp(configFile, stage);
  pulumi.runtime.setAllConfig(configOf(app), []);
  await pulumi.runtime.setMocks(telling(mocks), app.name, app.stage, false, "organization");
  const outputs = await pulumi.runtime.runInPulumiStack(() => evaluateRun(configFile, app, scratch));
  found = { app, outputs: plain(outputs) as Synthesised["outputs"], resources };
}

/** Of what a mock throws, Pulumi keeps no word. */
function telling({ newResource, call }: Mocks): Mocks {
  const told =
    <A, R>(ask: (args: A) => R) =>
    (args: A): R => {
      try {
        return ask(args);
      } catch (error) {
        fail(error);
        throw error;
      }
    };
  return { newResource: told(newResource), call: told(call) };
}

/** Names in AWS end in eight random letters: the same ones each time, so that graphs can be compared. */
function pinRandomNames(): void {
  const { randomBytes } = crypto;
  const pinned = (size: number): Buffer => (size === 8 ? Buffer.alloc(size) : randomBytes(size));
  Object.assign(crypto, { randomBytes: pinned });
}

/** Settings of providers, as the command hands them on. It silently drops what is no text, list or object. */
function configOf({ providers }: App): Record<string, string> {
  const config: Record<string, string> = { "aws:region": region };
  for (const [provider, settings] of Object.entries(providers)) {
    for (const [key, value] of Object.entries(settings)) {
      if (key === "version" || key === "package") continue;
      if (typeof value !== "string" && typeof value !== "object") {
        throw new Error(
          `Expected the setting ${provider}.${key} to be a text, found ${JSON.stringify(value)}: SST would drop it.`,
        );
      }
      config[`${provider}:${key}`] = typeof value === "string" ? value : JSON.stringify(value);
    }
  }
  return config;
}

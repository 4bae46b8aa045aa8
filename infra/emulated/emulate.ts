import { join } from "node:path";
import { functions, type FunctionTable } from "../resources.js";
import { failuresTo } from "./batch-runner/failures.js";
import { startBatchRunner, type BatchRunner } from "./batch-runner/index.js";
import { deploy, invoke, queueClient, type Deployment, type DeployOptions } from "./deploy.js";
import { hasDocker, startLocalStackContainer } from "./localstack-container.js";
import { startMiniStack, type MiniStack, type MiniStackOptions } from "./ministack.js";
import { packageFunctions } from "./package-function.js";

export interface EmulateOptions {
  readonly say?: (line: string) => void;
  /** @default the product's own */
  readonly table?: FunctionTable;
  readonly ministack?: MiniStackOptions;
  readonly deploy?: Pick<DeployOptions, "queues" | "policies" | "variables" | "byRole" | "dataBuckets">;
  /** Puts something in front of the emulator, which functions and users then speak to: a proxy. */
  readonly inFront?: (endpoint: string) => Promise<Front>;
}

interface Front {
  readonly endpoint: string;
  close(): Promise<void>;
}

export interface Emulation {
  readonly deployment: Deployment;
  readonly ministack: MiniStack;
  readonly batch: BatchRunner;
  stop(): Promise<void>;
}

/** No emulator has a Batch that runs anything: names of the runner's queue and definition. */
const batchNames = { queue: "stampede-local", definition: "stampede-local-executor" } as const;

/** A local AWS with all of Stampede in it: functions and Batch jobs are processes of this machine. */
export async function emulate(options: EmulateOptions = {}): Promise<Emulation> {
  const { say = () => undefined, table = functions } = options;
  say("Building the functions, and starting MiniStack (which is installed from PyPI the first time: a minute) ...");
  const built = packageFunctions();
  // Whoever waits for it hears of it.
  built.catch(() => undefined);
  const started: { stop(): Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    for (const each of started.toReversed()) await each.stop();
  };
  try {
    const ministack = await startMiniStack(options.ministack);
    started.push(ministack);
    const { endpoint } = ministack;
    const front = await options.inFront?.(endpoint);
    if (front !== undefined) started.push({ stop: () => front.close() });
    const batch = await startBatchRunner({ queues: [{ name: batchNames.queue }] });
    started.push(batch);
    const { functions: packages, batchFolder } = await built;
    const deployment = await deploy({
      endpoint,
      functionEndpoint: front?.endpoint ?? endpoint,
      batch: { endpoint: batch.endpoint, ...batchNames },
      table,
      packages,
      ...options.deploy,
    });
    batch.define({
      name: batchNames.definition,
      command: [process.execPath, join(batchFolder, "index.js")],
      environment: deployment.containerVariables,
      memoryMb: table.executor.memoryMb,
    });
    batch.subscribe(failuresTo(queueClient(endpoint), deployment.queueUrls.invocations));
    started.push(sweeping(endpoint, deployment, table));
    say(`Deployed to ${endpoint}.`);
    return { deployment, ministack, batch, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What a schedule of EventBridge does on AWS; those of emulators are late by up to a minute, or never. */
function sweeping(endpoint: string, { functionNames }: Deployment, table: FunctionTable): { stop(): Promise<void> } {
  const { everyMinutes = 5 } = table.sweeper;
  const sweep = (): void => {
    // The next one comes anyway.
    void invoke(endpoint, functionNames.sweeper).catch(() => undefined);
  };
  const timer = setInterval(sweep, everyMinutes * 60_000);
  return { stop: async () => clearInterval(timer) };
}

export interface AnyEmulation {
  readonly deployment: Deployment;
  stop(): Promise<void>;
}

/** The same on LocalStack where a Docker engine answers, with Lambda's own runtime in containers; otherwise on MiniStack. */
export async function emulateAnywhere(say: (line: string) => void): Promise<AnyEmulation> {
  if (!(await hasDocker())) return emulate({ say });
  say("A Docker engine answers: building the functions, and starting LocalStack ...");
  const built = packageFunctions();
  built.catch(() => undefined);
  const container = await startLocalStackContainer();
  try {
    const { endpoint, functionEndpoint } = container;
    const runtime = { type: "container" } as const;
    const deployment = await deploy({
      endpoint,
      functionEndpoint,
      userEndpoint: endpoint,
      runtime,
      table: functions,
      packages: (await built).functions,
    });
    say(`Deployed to ${endpoint}.`);
    return { deployment, stop: () => container.stop() };
  } catch (error) {
    await container.stop();
    throw error;
  }
}

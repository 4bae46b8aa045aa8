import { join } from "node:path";
import { byFunction, type FunctionName, type FunctionTable } from "../resources.js";
import type { Queues } from "./queues.js";
import type { Roles } from "./roles.js";
import { names, pascal, settings } from "./stage.js";

export type Functions = Readonly<Record<FunctionName, sst.aws.Function>>;

interface FunctionsOptions {
  readonly table: FunctionTable;
  /** With a folder of each function's name. */
  readonly folder: string;
  readonly roles: Roles;
  readonly queues: Queues;
  readonly variables: Readonly<Record<string, $util.Input<string>>>;
}

/** Every function of the table, and what wakes it from a queue. */
export function createFunctions({ table, folder, roles, queues, variables }: FunctionsOptions): Functions {
  return byFunction((name) => {
    const { memoryMb, timeoutSeconds, temporaryMb = 512, sources, failuresTo, answersRequests = false } = table[name];
    const ofExecutors = name === "executor" ? settings.maxExecutors : undefined;
    const reserved = answersRequests ? settings.maxRequests : ofExecutors;
    const created = new sst.aws.Function(`${pascal(name)}Function`, {
      name: names.function(name),
      handler: "index.handler",
      // The very folder that is tested, and not another build of the same sources.
      bundle: join(folder, name),
      runtime: "nodejs22.x",
      // onnxruntime has crashed on arm64 functions as they start (microsoft/onnxruntime#10038).
      architecture: "x86_64",
      memory: `${memoryMb} MB`,
      timeout: `${timeoutSeconds} seconds`,
      storage: `${temporaryMb} MB`,
      role: roles[name].arn,
      environment: variables,
      logging: { retention: "1 month" },
      // A function that `sst dev` brings to this machine has other permissions: `npm run emulate` does that.
      dev: false,
      ...(reserved !== undefined && { concurrency: { reserved } }),
      ...(answersRequests && { streaming: true, url: { authorization: "none", cors: false } }),
      ...(failuresTo !== undefined && {
        // The driver decides what is tried again.
        retries: 0,
        transform: {
          eventInvokeConfig: { destinationConfig: { onFailure: { destination: queues[failuresTo].arn } } },
        },
      }),
    });
    for (const { queue, batchSize, maxConcurrency } of sources) {
      queues[queue].subscribe(created.arn, {
        batch: { size: batchSize, partialResponses: true },
        transform: { eventSourceMapping: { scalingConfig: { maximumConcurrency: maxConcurrency } } },
      });
    }
    return created;
  });
}

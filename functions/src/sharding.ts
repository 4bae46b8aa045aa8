import { invokeLater, lambdaClient, S3DataFiles, s3Client } from "@stampede/aws";
import { DriverMessage, encodeMessage, ShardTask } from "@stampede/core";
import { uploadedFiles } from "@stampede/data";
import type { SharderDeps } from "@stampede/training";
import { commonDeps } from "./deps.js";
import { environment } from "./environment.js";
import { requests } from "./meter.js";

let made: SharderDeps | undefined;

/** What reads and shards the users' data: files of S3 and of no disk, and sharder functions for each step. */
export function sharderDeps(): SharderDeps {
  made ??= connect();
  return made;
}

function connect(): SharderDeps {
  const settings = { meter: requests };
  const sharder = { client: lambdaClient(settings), functionName: environment().STAMPEDE_SHARDER_FUNCTION };
  const { store, clock, unique, queues } = commonDeps();
  return {
    store,
    clock,
    unique,
    files: { disk: "refuse", s3: new S3DataFiles({ client: s3Client(settings) }), uploads: uploadedFiles(store) },
    start: (task) => invokeLater(sharder, encodeMessage(ShardTask, task)),
    hint: (job) => queues.driver.send(encodeMessage(DriverMessage, { version: 1, type: "prepare", job })),
  };
}

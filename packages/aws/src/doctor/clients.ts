import { BatchClient } from "@aws-sdk/client-batch";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { commonConfig, type AwsSettings } from "../clients/settings.js";
import { ServerClock } from "./clock.js";

/** Connections of the doctor's own: patient enough for a slow line, and not for a place where nobody answers. */
export interface DoctorClients {
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly lambda: LambdaClient;
  readonly batch: BatchClient;
  readonly clock: ServerClock;
  /** Where S3 is asked; undefined for AWS itself. */
  readonly endpoint: string | undefined;
  /** @throws StampedeError `option.invalid` where there is none */
  readonly region: () => Promise<string>;
  close(): void;
}

const connectionTimeout = 3_000;
const requestTimeout = 20_000;
const retries = { attempts: 3, firstDelayMs: 50 };

export function doctorClients(asked: Pick<AwsSettings, "endpoint" | "region" | "environment">): DoctorClients {
  const place = { ...asked, retries };
  const requestHandler = { connectionTimeout, requestTimeout, throwOnRequestTimeout: true };
  const { endpoint, ...common } = commonConfig(place, "S3");
  const s3 = new S3Client({
    ...common,
    ...(endpoint !== undefined && { endpoint }),
    requestHandler,
    forcePathStyle: endpoint !== undefined,
  });
  const sqs = new SQSClient({ ...commonConfig(place, "SQS"), requestHandler, useQueueUrlAsEndpoint: false });
  const lambda = new LambdaClient({ ...commonConfig(place, "LAMBDA"), requestHandler });
  const batch = new BatchClient({ ...commonConfig(place, "BATCH"), requestHandler });
  const clock = new ServerClock();
  clock.watch(s3);
  const all = [s3, sqs, lambda, batch];
  const close = (): void => {
    for (const client of all) client.destroy();
  };
  return { s3, sqs, lambda, batch, clock, endpoint, region: () => s3.config.region(), close };
}

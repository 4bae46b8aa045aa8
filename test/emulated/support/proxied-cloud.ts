import { LambdaClient } from "@aws-sdk/client-lambda";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import {
  describeWireLog,
  startFaultProxy,
  type FaultProxy,
  type WireFault,
  type WireOperation,
} from "@stampede/testing";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { startMiniStack, type MiniStack } from "../../../infra/emulated/ministack.js";

export const bucket = "faults";

/** Clients of an emulator or of a proxy in front of it. */
export class Clients {
  readonly endpoint: string;
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly lambda: LambdaClient;

  constructor(endpoint: string) {
    this.endpoint = endpoint;
    this.s3 = new S3Client({ ...clientOptions(endpoint), forcePathStyle: true });
    this.sqs = new SQSClient(clientOptions(endpoint));
    this.lambda = new LambdaClient(clientOptions(endpoint));
  }

  /** The text of an object in the bucket. */
  async text(Key: string): Promise<string | undefined> {
    const { Body } = await this.s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
    return Body?.transformToString();
  }

  destroy(): void {
    for (const client of [this.s3, this.sqs, this.lambda]) client.destroy();
  }
}

export const clientOptions = (endpoint: string) => ({
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
});

/** An emulator for a file of tests, and for each test a fault proxy in front of it, without a plan. */
export class ProxiedCloud {
  #names = 0;
  #parts: { readonly emulator: MiniStack; readonly truth: Clients } | undefined;
  #test: { readonly proxy: FaultProxy; readonly clients: Clients } | undefined;

  /** Past the proxy: what is true. */
  get truth(): Clients {
    return there(this.#parts).truth;
  }

  /** Through the proxy. */
  get clients(): Clients {
    return there(this.#test).clients;
  }

  get proxy(): FaultProxy {
    return there(this.#test).proxy;
  }

  async open(): Promise<void> {
    const emulator = await startMiniStack({ checkPermissions: true });
    this.#parts = { emulator, truth: new Clients(emulator.endpoint) };
    await this.truth.s3.send(new CreateBucketCommand({ Bucket: bucket }));
  }

  async begin(): Promise<void> {
    const proxy = await startFaultProxy({ upstream: this.truth.endpoint });
    this.#test = { proxy, clients: new Clients(proxy.endpoint) };
  }

  async end(): Promise<void> {
    this.clients.destroy();
    await this.proxy.close();
  }

  async close(): Promise<void> {
    this.truth.destroy();
    await there(this.#parts).emulator.stop();
  }

  /** The nth requests of an operation, from now, go wrong so. */
  script(fault: WireFault, operation: WireOperation, nth: number | readonly number[] = 1): void {
    this.proxy.setPlan({ rules: [{ fault, nth, operations: [operation] }] });
  }

  /** Of every request, what the emulator answered and what the client got. */
  statuses(): readonly (readonly [number | undefined, number | undefined])[] {
    return this.proxy.log().map(({ upstreamStatus, status }) => [upstreamStatus, status]);
  }

  /** A name that no test had before. */
  fresh(what: string): string {
    this.#names += 1;
    return `${what}-${this.#names}`;
  }

  /** Puts an object past the proxy. */
  async stored(body: string | Buffer = "12345678"): Promise<string> {
    const Key = this.fresh("stored");
    await this.truth.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: body }));
    return Key;
  }
}

/** For all tests of the file. A test that fails prints what went over the wire. */
export function useProxiedCloud(): ProxiedCloud {
  const cloud = new ProxiedCloud();
  beforeAll(() => cloud.open());
  beforeEach(async ({ onTestFailed }) => {
    await cloud.begin();
    const { proxy } = cloud;
    onTestFailed(() => void process.stderr.write(`${describeWireLog(proxy.log())}\n`));
  });
  afterEach(() => cloud.end());
  afterAll(() => cloud.close());
  return cloud;
}

/** What an error says of a request's last answer and of how many there were. */
export const failed = (status: number, attempts: number) => ({ $metadata: { httpStatusCode: status, attempts } });

function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("Expected the proxied cloud to be open, found that it is not.");
  return value;
}

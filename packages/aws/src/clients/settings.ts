import { SQSClient } from "@aws-sdk/client-sqs";
import { StampedeError } from "@stampede/core";
import type { RequestMeter } from "../meter.js";
import { PatientRetries, type RetryLimits } from "./retries.js";

// Each client would write eight lines to stderr on a Node.js that the SDK is about to give up, for whoever runs a command to wonder at.
// It asks the process when a client is made, and all clients are made with this module.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";

/** How to reach AWS. What is left out is taken from the SDK's own variables (`AWS_REGION`, `AWS_ENDPOINT_URL`, ...) and profiles. */
export interface AwsSettings {
  readonly region?: string;
  /** Of an emulator. All services, and all queues whatever host their URLs name, are there. */
  readonly endpoint?: string;
  /** Of Batch, where it is another one. */
  readonly batchEndpoint?: string;
  readonly meter?: RequestMeter;
  /** Where variables of region and endpoints are looked up. @default `process.env` */
  readonly environment?: Environment;
  /** Where they are to be other than usual, see the README. */
  readonly retries?: Partial<RetryLimits>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Emulators take any. */
const regionOfEmulators = "us-east-1";

/**
 * A service that is silent for so long is asked again: longer than any long poll (20 s), shorter than a function's life. It counts from
 * the last byte, so that a large body on a slow line is not cut off.
 */
const socketTimeout = 30_000;
const connectionTimeout = 5_000;
/** The SDK's 50 are taken up by six large objects that are read in parts at once. */
const maxSockets = 128;

/**
 * Some three seconds of a service that does not answer well, eight where it asks for fewer requests. A service that is silent is asked twice:
 * after that the driver, which may take 120 s, still has the time to end its message in order.
 */
const usualRetries: RetryLimits = {
  attempts: 6,
  patienceMs: 45_000,
  firstDelayMs: 200,
  throttledDelayMs: 500,
  longestDelayMs: 4_000,
};

/** S3 throttles a prefix that is suddenly asked by many until it has spread it; and who cannot read or write loses a whole attempt of a task. */
const attemptsOfS3 = 8;

interface CommonConfig {
  readonly region: string | (() => Promise<string>);
  readonly endpoint?: string;
  readonly retryStrategy: PatientRetries;
  /** Told to the service with each try. */
  readonly maxAttempts: number;
  readonly requestHandler: {
    readonly connectionTimeout: number;
    readonly socketTimeout: number;
    readonly httpAgent: { readonly keepAlive: true; readonly maxSockets: number };
    readonly httpsAgent: { readonly keepAlive: true; readonly maxSockets: number };
  };
}

/**
 * What all clients have in common.
 * @param service as in the SDK's variable for its endpoint: `S3` of `AWS_ENDPOINT_URL_S3`
 */
export function commonConfig(settings: AwsSettings, service?: "S3" | "SQS" | "LAMBDA" | "BATCH"): CommonConfig {
  const { environment = process.env } = settings;
  const retries = { ...usualRetries, ...(service === "S3" && { attempts: attemptsOfS3 }), ...settings.retries };
  const endpoint = given(settings.endpoint) ?? configuredEndpoint(service, environment);
  const region = settings.region ?? given(environment["AWS_REGION"]) ?? given(environment["AWS_DEFAULT_REGION"]);
  return {
    region: region ?? regionOfProfile(endpoint),
    ...(endpoint !== undefined && { endpoint }),
    retryStrategy: new PatientRetries(retries),
    maxAttempts: retries.attempts,
    requestHandler: {
      connectionTimeout,
      socketTimeout,
      httpAgent: { keepAlive: true, maxSockets },
      httpsAgent: { keepAlive: true, maxSockets },
    },
  };
}

/** The SDK's own order. It is asked for here, because with an endpoint buckets and queues are addressed in another way. */
function configuredEndpoint(service: string | undefined, environment: Environment): string | undefined {
  if (environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] === "true") return undefined;
  const own = service === undefined ? undefined : given(environment[`AWS_ENDPOINT_URL_${service}`]);
  return own ?? given(environment["AWS_ENDPOINT_URL"]);
}

/** What is set to nothing is not set. */
function given(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

/**
 * Where no variable names a region: that of the profile, which the SDK reads from its files once, when the first request is made.
 * @throws (the provider) StampedeError `option.invalid` where there is none, and it is AWS that is asked
 */
function regionOfProfile(endpoint: string | undefined): () => Promise<string> {
  let found: Promise<string> | undefined;
  const find = async (): Promise<string> => {
    try {
      // Only a client tells what the SDK finds.
      return await new SQSClient({}).config.region();
    } catch (cause) {
      if (endpoint !== undefined) return regionOfEmulators;
      const text =
        "Expected the region of the deployment in AWS_REGION, or in the profile of AWS_PROFILE, found none. Nothing was started.";
      throw new StampedeError("option.invalid", text, { details: { variable: "AWS_REGION" }, cause });
    }
  };
  return () => (found ??= find());
}

interface Step {
  readonly step: "finalizeRequest";
  readonly name: string;
  readonly priority: "low";
}

interface Metered {
  readonly middlewareStack: {
    add(
      middleware: <A, R>(
        next: (args: A) => Promise<R>,
        context: { readonly commandName?: string },
      ) => (args: A) => Promise<R>,
      options: Step,
    ): void;
  };
}

/** Counts every attempt: the step is inside of the one that retries. */
export function metered<C extends Metered>(client: C, service: string, meter: RequestMeter | undefined): C {
  if (meter === undefined) return client;
  client.middlewareStack.add(
    (next, { commandName = "" }) =>
      async (args) => {
        meter.add(service, commandName.replace(/Command$/, ""), lengthOf(field(args, "request")));
        const result = await next(args);
        meter.addReceived(service, lengthOf(field(result, "response")));
        return result;
      },
    { step: "finalizeRequest", name: "stampedeRequestMeter", priority: "low" },
  );
  return client;
}

/** Of the body of a request or response, as its headers say; 0 where they do not. */
function lengthOf(message: unknown): number {
  const length = Number(field(field(message, "headers"), "content-length"));
  return Number.isSafeInteger(length) ? length : 0;
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

import { StampedeError } from "@stampede/core";

export interface AwsClusterOptions {
  /** The bucket of jobs and data sets. @default the environment variable STAMPEDE_BUCKET */
  readonly bucket?: string;
  /** @default STAMPEDE_DRIVER_QUEUE_URL */
  readonly driverQueueUrl?: string;
  /** @default AWS_REGION, AWS_DEFAULT_REGION, else that of the AWS profile; with an endpoint at last us-east-1 */
  readonly region?: string;
  /** Of an emulator; S3 and SQS are asked there instead of at AWS. @default AWS_ENDPOINT_URL_S3 and AWS_ENDPOINT_URL_SQS, else AWS_ENDPOINT_URL */
  readonly endpoint?: string;
  /** What one executor function is deployed with, in MiB: 128 ... 10,240. @default STAMPEDE_EXECUTOR_MEMORY_MB, else 3008 */
  readonly executorMemoryMb?: number;
}

/** Where options that are left out are looked up: `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface AwsSettings {
  readonly bucket: string;
  readonly driverQueueUrl: string;
  /** As the options say it, here and below; otherwise the AWS adapters find it. */
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  readonly executorMemoryMb: number;
  /** Where the adapters look it up. */
  readonly environment: Environment;
}

const endpointVariables = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_SQS"] as const;

/** As in `infra/resources.ts`. */
const defaultMemoryMb = 3008;
/** Lambda's own bounds. */
const [leastMemoryMb, mostMemoryMb] = [128, 10_240];

const advice =
  "Nothing was started. They belong to a deployment of Stampede; `npm run emulate` starts one on this machine and prints them.";

/**
 * The options, completed from the environment.
 * @throws StampedeError `option.invalid` naming the variable
 */
export function awsSettings(options: AwsClusterOptions, environment: Environment): AwsSettings {
  const fromEnvironment = (name: string): string | undefined => {
    const value = environment[name]?.trim();
    return value === "" ? undefined : value;
  };
  const bucket = options.bucket ?? fromEnvironment("STAMPEDE_BUCKET");
  if (bucket === undefined || bucket === "") throw missing("STAMPEDE_BUCKET", "bucket", "the bucket of jobs and data");
  const queue = options.driverQueueUrl ?? fromEnvironment("STAMPEDE_DRIVER_QUEUE_URL");
  if (queue === undefined) {
    throw missing("STAMPEDE_DRIVER_QUEUE_URL", "driverQueueUrl", "the URL of the driver's queue");
  }
  for (const variable of endpointVariables) {
    const url = fromEnvironment(variable);
    if (url !== undefined) checkUrl(variable, url);
  }
  const { endpoint, region } = options;
  const memory = options.executorMemoryMb ?? fromEnvironment("STAMPEDE_EXECUTOR_MEMORY_MB");
  return {
    bucket,
    driverQueueUrl: checkUrl("STAMPEDE_DRIVER_QUEUE_URL", queue),
    region,
    endpoint: endpoint === undefined ? undefined : checkUrl("endpoint", endpoint),
    executorMemoryMb: checkMemory(memory ?? defaultMemoryMb),
    environment,
  };
}

function missing(variable: string, option: string, what: string): StampedeError {
  const message = `Expected ${what} in the environment variable ${variable} (or the option ${option}), found nothing. ${advice}`;
  return new StampedeError("option.invalid", message, { details: { variable } });
}

function checkUrl(variable: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return text;
  throw invalid(variable, "a URL that begins with http:// or https://", text);
}

function checkMemory(given: string | number): number {
  const value = typeof given === "number" ? given : /^\d{1,6}$/.test(given) ? Number(given) : Number.NaN;
  if (Number.isInteger(value) && value >= leastMemoryMb && value <= mostMemoryMb) return value;
  const expected = `a whole number of MiB, ${leastMemoryMb} ... ${mostMemoryMb}`;
  throw invalid("STAMPEDE_EXECUTOR_MEMORY_MB", expected, String(given));
}

function invalid(variable: string, expected: string, found: string): StampedeError {
  const message = `Expected ${variable} to be ${expected}, found ${JSON.stringify(found)}. ${advice}`;
  return new StampedeError("option.invalid", message, { details: { variable } });
}

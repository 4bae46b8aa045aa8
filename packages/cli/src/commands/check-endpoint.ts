import type { EndpointCheck } from "@stampede/aws";
import { StampedeError } from "@stampede/core";
import type { Host } from "../host.js";

export interface EndpointOptions {
  readonly endpoint?: string;
  readonly bucket?: string;
  readonly queue?: string;
}

/**
 * Proves the endpoint that the option names, else the one of the environment, else AWS itself.
 * @throws StampedeError `option.invalid` for an endpoint that is no URL
 */
export async function checkEndpoint(host: Host, options: EndpointOptions): Promise<readonly EndpointCheck[]> {
  const fromEnvironment = (name: string): string | undefined => (host.env[name] === "" ? undefined : host.env[name]);
  const { endpoint } = options;
  refuseOther("--endpoint", endpoint);
  // Those are read by whoever connects.
  for (const name of ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_SQS"]) {
    refuseOther(name, fromEnvironment(name));
  }
  const bucket = options.bucket ?? fromEnvironment("STAMPEDE_BUCKET");
  const queueUrl = options.queue ?? fromEnvironment("STAMPEDE_DRIVER_QUEUE_URL");
  // The AWS SDK takes as long to load as everything else together.
  const { examineEndpoint } = await import("@stampede/aws");
  return examineEndpoint({
    environment: host.env,
    ...(endpoint !== undefined && { endpoint }),
    ...(bucket !== undefined && { bucket }),
    ...(queueUrl !== undefined && { queueUrl }),
  });
}

function refuseOther(place: string, endpoint: string | undefined): void {
  if (endpoint === undefined || /^https?:\/\/./.test(endpoint)) return;
  const found = JSON.stringify(endpoint);
  throw new StampedeError(
    "option.invalid",
    `Expected a URL that begins with http:// or https:// as ${place}, found ${found}. Nothing was started.`,
  );
}

import { BatchClient } from "@aws-sdk/client-batch";
import { commonConfig, metered, type AwsSettings } from "./settings.js";

/** No emulator runs Batch jobs: with an endpoint of its own (`AWS_ENDPOINT_URL_BATCH`) the runner beside one does. */
export function batchClient(settings: AwsSettings = {}): BatchClient {
  const endpoint = settings.batchEndpoint ?? process.env["AWS_ENDPOINT_URL_BATCH"];
  const own = endpoint === undefined || endpoint === "" ? settings : { ...settings, endpoint };
  return metered(new BatchClient(commonConfig(own)), "batch", settings.meter);
}

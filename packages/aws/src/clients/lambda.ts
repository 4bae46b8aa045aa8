import { LambdaClient } from "@aws-sdk/client-lambda";
import { commonConfig, metered, type AwsSettings } from "./settings.js";

export function lambdaClient(settings: AwsSettings = {}): LambdaClient {
  return metered(new LambdaClient(commonConfig(settings, "LAMBDA")), "lambda", settings.meter);
}

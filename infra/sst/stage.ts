import { namesOf } from "../names.js";
import { settingsFrom } from "../settings.js";

/** The stage that is deployed: what its parts are called, and what whoever deploys it has decided. */
export const prefix = `${$app.name}-${$app.stage}`;
export const names = namesOf(prefix);
export const settings = settingsFrom(process.env);
export const isKept = $app.removal !== "remove";

const here = { partition: aws.getPartitionOutput().partition, region: aws.getRegionOutput().region };
export const region = here.region;
export const account = aws.getCallerIdentityOutput().accountId;

/** Of something in this account and region that need not be there yet. */
export function arnOf(service: string, resource: $util.Input<string>): $util.Output<string> {
  return $interpolate`arn:${here.partition}:${service}:${region}:${account}:${resource}`;
}

/** Of the names of buckets, which are nobody's in particular. */
export function arnOfBucket(name: string): $util.Output<string> {
  return $interpolate`arn:${here.partition}:s3:::${name}`;
}

/** Of a policy of AWS's own. */
export function arnOfManagedPolicy(path: string): $util.Output<string> {
  return $interpolate`arn:${here.partition}:iam::aws:policy/${path}`;
}

/** For the names of resources in SST: `parameter-server` is `ParameterServer`. */
export function pascal(name: string): string {
  return name.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

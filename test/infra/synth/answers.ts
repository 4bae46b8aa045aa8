import { account, region } from "./paths.js";
import { policyDocument } from "./policy-document.js";
import type { MockCallArgs, MockResourceArgs, Mocks } from "./pulumi.js";

/**
 * What AWS would say of a resource once it is there, as far as others are told of it, and what it answers to questions. Names are as
 * in the graph; account and identifiers are made up, in the form that AWS gives them, because components take them apart.
 */
type State = Readonly<Record<string, unknown>>;

function arn(service: string, resource: string): string {
  return `arn:aws:${service}:${region}:${account}:${resource}`;
}

const zeros = "0".repeat(64);

const computed: Readonly<Record<string, (name: string, args: MockResourceArgs) => State>> = {
  "aws:s3/bucket:Bucket": (name) => ({
    id: name,
    arn: `arn:aws:s3:::${name}`,
    bucketDomainName: `${name}.s3.amazonaws.com`,
  }),
  "aws:sqs/queue:Queue": (name) => {
    const url = `https://sqs.${region}.amazonaws.com/${account}/${name}`;
    return { id: url, url, arn: arn("sqs", name) };
  },
  "aws:sns/topic:Topic": (name) => ({ arn: arn("sns", name) }),
  "aws:iam/role:Role": (name) => ({ id: name, arn: `arn:aws:iam::${account}:role/${name}` }),
  "aws:iam/policy:Policy": (name) => ({ arn: `arn:aws:iam::${account}:policy/${name}` }),
  "aws:iam/instanceProfile:InstanceProfile": (name) => ({ arn: `arn:aws:iam::${account}:instance-profile/${name}` }),
  "aws:lambda/function:Function": (name) => {
    const functionArn = arn("lambda", `function:${name}`);
    const invokeArn = `arn:aws:apigateway:${region}:lambda:path/2015-03-31/functions/${functionArn}/invocations`;
    return { id: name, arn: functionArn, qualifiedArn: `${functionArn}:1`, version: "1", invokeArn };
  },
  "aws:lambda/functionUrl:FunctionUrl": (name) => ({
    functionUrl: `https://${name.toLowerCase()}.lambda-url.${region}.on.aws/`,
  }),
  "aws:cloudwatch/logGroup:LogGroup": (name) => ({ arn: arn("logs", `log-group:${name}`) }),
  "aws:cloudwatch/eventRule:EventRule": (name) => ({ arn: arn("events", `rule/${name}`) }),
  "aws:batch/computeEnvironment:ComputeEnvironment": (name) => ({ arn: arn("batch", `compute-environment/${name}`) }),
  "aws:batch/jobQueue:JobQueue": (name) => ({ arn: arn("batch", `job-queue/${name}`) }),
  "aws:batch/jobDefinition:JobDefinition": (name) => {
    const arnPrefix = arn("batch", `job-definition/${name}`);
    return { arn: `${arnPrefix}:1`, arnPrefix, revision: 1 };
  },
  "aws:ec2/launchTemplate:LaunchTemplate": (name) => ({ id: `lt-${name}`, latestVersion: 1 }),
  "aws:ecr/repository:Repository": (name) => ({
    arn: arn("ecr", `repository/${name}`),
    repositoryUrl: `${account}.dkr.ecr.${region}.amazonaws.com/${name}`,
    registryId: account,
  }),
  "docker-build:index:Image": (name, { inputs }) => {
    const [tag = name] = inputs["tags"] as readonly string[];
    return { ref: `${tag}@sha256:${zeros}`, digest: `sha256:${zeros}` };
  },
  "random:index/randomBytes:RandomBytes": () => ({ base64: Buffer.alloc(32).toString("base64"), hex: zeros }),
};

function newResource(args: MockResourceArgs): { readonly id: string | undefined; readonly state: State } {
  // One that is there already is only read.
  if (args.id !== undefined && args.id !== "") return { id: args.id, state: args.inputs };
  if (args.custom !== true) return { id: undefined, state: args.inputs };
  const name = physicalName(args);
  const [, service = "", kind = ""] = /^aws:([^/]+)\/[^:]+:(.+)$/.exec(args.type) ?? [];
  const generic = service === "" ? {} : { arn: arn(service, `${kind.toLowerCase()}/${name}`), region };
  const { id = name, ...state }: State = { ...generic, ...args.inputs, ...computed[args.type]?.(name, args) };
  return { id: textOf(id), state };
}

function physicalName({ inputs, name }: MockResourceArgs): string {
  return textOf(inputs["name"] ?? inputs["bucket"] ?? inputs["namePrefix"] ?? name);
}

function textOf(value: unknown): string {
  if (typeof value !== "string") throw new Error(`Expected a text, found ${JSON.stringify(value)}.`);
  return value;
}

const questions: Readonly<Record<string, (inputs: State) => State>> = {
  "aws:index/getRegion:getRegion": () => ({ id: region, name: region, region }),
  "aws:index/getPartition:getPartition": () => ({ id: "aws", partition: "aws", dnsSuffix: "amazonaws.com" }),
  "aws:index/getCallerIdentity:getCallerIdentity": () => ({ id: account, accountId: account }),
  "aws:index/getAvailabilityZones:getAvailabilityZones": () => ({
    id: region,
    names: ["a", "b", "c"].map((zone) => region + zone),
  }),
  "aws:iam/getPolicyDocument:getPolicyDocument": policyDocument,
  "aws:ecr/getAuthorizationToken:getAuthorizationToken": () => ({ id: region, userName: "AWS", password: "made-up" }),
  "aws:ec2/getAmi:getAmi": (inputs) => ({ ...inputs, id: "ami-0", imageId: "ami-0" }),
};

function call({ token, inputs }: MockCallArgs): State {
  const answer = questions[token];
  if (answer === undefined) throw new Error(`Expected a question of AWS that the harness can answer, found ${token}.`);
  return answer(inputs);
}

export const mocks: Mocks = { newResource, call };

import { functionNames } from "../../../infra/resources.js";
import type { Resource } from "../synth/record.js";
import { at, differs, set, type Rule } from "./rule.js";

/** Kinds whose names are unique in an account, so that stages have to differ in them. */
const namedKinds = [
  "aws:sqs:Queue",
  "aws:lambda:Function",
  "aws:iam:Role",
  "aws:cloudwatch:MetricAlarm",
  "aws:budgets:Budget",
  "aws:sns:Topic",
];

/** Everything that may be deployed: of a new kind, somebody has to say that it is meant, and what it costs while no job runs. */
const kinds: ReadonlySet<string> = new Set([
  ...["Budget", "BudgetAction"].map((kind) => `aws:budgets:${kind}`),
  ...["EventRule", "EventTarget", "LogGroup", "MetricAlarm"].map((kind) => `aws:cloudwatch:${kind}`),
  ...["InstanceProfile", "Policy", "Role", "RolePolicyAttachment"].map((kind) => `aws:iam:${kind}`),
  ...["EventSourceMapping", "Function", "FunctionEventInvokeConfig", "FunctionUrl", "Permission"].map(
    (kind) => `aws:lambda:${kind}`,
  ),
  ...["", "LifecycleConfiguration", "Objectv2", "OwnershipControls", "Policy", "PublicAccessBlock"].map(
    (kind) => `aws:s3:Bucket${kind}`,
  ),
  "aws:s3:BucketServerSideEncryptionConfiguration",
  "aws:scheduler:Schedule",
  ...["Topic", "TopicPolicy", "TopicSubscription"].map((kind) => `aws:sns:${kind}`),
  ...["Queue", "QueuePolicy"].map((kind) => `aws:sqs:${kind}`),
  ...["ComputeEnvironment", "JobDefinition", "JobQueue"].map((kind) => `aws:batch:${kind}`),
  ...["DefaultSecurityGroup", "InternetGateway", "LaunchTemplate", "RouteTable", "RouteTableAssociation"].map(
    (kind) => `aws:ec2:${kind}`,
  ),
  ...["SecurityGroup", "Subnet", "Vpc", "VpcEndpoint"].map((kind) => `aws:ec2:${kind}`),
  ...["LifecyclePolicy", "Repository"].map((kind) => `aws:ecr:${kind}`),
  "docker-build:index:Image",
  "random:index:RandomBytes",
]);

const address = "aws:lambda:FunctionUrl";

/** But to functions that the table says check themselves who asks. */
const noOpenWayIn: Rule = {
  name: "no way in from outside is without a check of who comes",
  check: (graph, { table }) => {
    const answering = functionNames
      .filter((name) => table[name].answersRequests === true)
      .map((name) => `stampede-${graph.app.stage}-${name}`);
    const addresses = graph
      .all(address)
      .map(({ inputs }) => [inputs["functionName"], inputs["authorizationType"], inputs["invokeMode"], inputs["cors"]])
      .filter(([, authorization]) => authorization !== "AWS_IAM");
    const open = answering.map((name) => [name, "NONE", "RESPONSE_STREAM", undefined]);
    return [
      ...differs("addresses", addresses, open),
      ...graph
        .all("aws:apigatewayv2:Route")
        .filter(({ inputs }) => (inputs["authorizationType"] ?? "NONE") === "NONE")
        .map(({ name }) => `${name} is open`),
      ...graph
        .all("aws:lambda:Permission")
        .filter(({ inputs }) => inputs["principal"] === "*" && !isByAddress(inputs, answering))
        .map(({ name }) => `${name} lets everybody invoke`),
    ];
  },
  violations: {
    "SST's own default of a function's address": (graph) => graph.and(address, { authorizationType: "NONE" }),
    "SST's own default of a route": (graph) => graph.and("aws:apigatewayv2:Route", { routeKey: "POST /jobs" }),
    "everybody invokes": (graph) => graph.and("aws:lambda:Permission", { principal: "*", function: "stampede-driver" }),
  },
};

/** By the address only, which hands requests on, and not by Lambda's own interface, where anybody could say who they are. */
function isByAddress(inputs: Resource["inputs"], answering: readonly string[]): boolean {
  const byAddress = inputs["functionUrlAuthType"] === "NONE" || inputs["invokedViaFunctionUrl"] === true;
  return byAddress && answering.includes(String(inputs["function"]));
}

export const wholeRules: readonly Rule[] = [
  {
    name: "nothing is deployed that nobody has thought of",
    check: (graph) =>
      Object.keys(graph.counts())
        .filter((kind) => !/^(sst|pulumi):/.test(kind) && !kinds.has(kind))
        .map((kind) => `there is a ${kind}`),
    violations: {
      "a gateway that costs by the hour": (graph) => graph.and("aws:ec2:NatGateway", {}),
      "a user with a password": (graph) => graph.and("aws:iam:User", { name: "stampede-somebody" }),
      "a key for whoever finds it": (graph) => graph.and("aws:iam:AccessKey", {}),
    },
  },
  noOpenWayIn,
  {
    name: "stages do not get into each other's way: every name says whose it is",
    check: (graph) =>
      namedKinds
        .flatMap((kind) => graph.all(kind))
        .filter(({ inputs }) => !String(inputs["name"]).startsWith(`stampede-${graph.app.stage}`))
        .map(({ name, inputs }) => `${name} is called ${String(inputs["name"])}`),
    violations: {
      "a queue of all stages": (graph) => graph.changed("aws:sqs:Queue", (inputs) => set(inputs, ["name"], "driver")),
      "a role without a name of ours": (graph) =>
        graph.changed("aws:iam:Role", (inputs) => set(inputs, ["name"], undefined)),
    },
  },
  {
    name: "no name is longer than AWS lets it be",
    check: (graph) => {
      const limits: Readonly<Record<string, number>> = {
        "aws:lambda:Function": 64,
        "aws:iam:Role": 64,
        "aws:scheduler:Schedule": 64,
        "aws:sqs:Queue": 80,
        "aws:s3:Bucket": 63,
      };
      return Object.entries(limits).flatMap(([type, limit]) =>
        graph
          .all(type)
          .map(({ outputs }) => String(outputs["name"] ?? outputs["bucket"]))
          .filter((name) => name.length > limit)
          .map((name) => `${name} is too long`),
      );
    },
    violations: {
      "a long stage": (graph) => graph.rewritten((text) => text.replaceAll("stampede-", `stampede-${"x".repeat(50)}-`)),
    },
  },
  {
    name: "whoever deployed is told what to set to submit jobs",
    check: (graph) => {
      const [bucket] = graph.all("aws:s3:Bucket");
      const { _protect: _, ...outputs } = graph.outputs;
      return [
        ...differs("outputs", Object.keys(outputs).toSorted(), [
          "AWS_REGION",
          "STAMPEDE_BUCKET",
          "STAMPEDE_CLUSTER",
          "STAMPEDE_DRIVER_QUEUE_URL",
          "STAMPEDE_EXECUTOR_MEMORY_MB",
          "STAMPEDE_URL",
        ]),
        ...differs("address", `${String(outputs["STAMPEDE_URL"])}/`, graph.all(address)[0]?.outputs["functionUrl"]),
        ...differs("bucket", outputs["STAMPEDE_BUCKET"], at(bucket?.outputs, "bucket")),
      ];
    },
    violations: {
      "of another bucket": (graph) =>
        graph
          .changed("aws:s3:Bucket", (inputs) => inputs)
          .rewritten((text) => text.replaceAll(/stampede-\w+-jobsbucket/g, "else")),
    },
  },
  {
    name: "everything is tagged with its stage, by which costs can be told apart",
    check: (graph) =>
      differs("tags", at(graph.app.providers, "aws", "defaultTags"), {
        tags: { project: "stampede", stage: graph.app.stage },
      }),
    violations: {
      "of another stage": (graph) => graph.ofApp({ providers: {} }),
    },
  },
];

import type { Graph } from "../synth/graph.js";
import { functionOf } from "./functions.js";
import { many, statementsOf } from "./policies.js";
import { at, differs, json, set, sorted, type Rule } from "./rule.js";

const machines = "aws:batch:ComputeEnvironment";
const jobQueue = "aws:batch:JobQueue";
const definition = "aws:batch:JobDefinition";
const rule = "aws:cloudwatch:EventRule";

interface Container {
  readonly image: string;
  readonly jobRoleArn: string;
  readonly user: string;
  readonly privileged: boolean;
  readonly environment: readonly { readonly name: string; readonly value: string }[];
  readonly resourceRequirements: readonly { readonly type: string; readonly value: string }[];
  readonly logConfiguration: { readonly options: Readonly<Record<string, string>> };
}

function containerOf(graph: Graph): Container {
  return JSON.parse(String(graph.all(definition)[0]?.inputs["containerProperties"])) as Container;
}

function withContainer(graph: Graph, change: Partial<Container>): Graph {
  const containerProperties = JSON.stringify({ ...containerOf(graph), ...change });
  return graph.changed(definition, (inputs) => ({ ...inputs, containerProperties }));
}

const stages = ["production"] as const;

export const batchRules: readonly Rule[] = [
  {
    name: "there is no Batch where nobody has asked for it",
    stages: ["dev"],
    check: (graph) =>
      Object.keys(graph.counts())
        .filter((type) => /^(aws:(batch|ec2|ecr)|docker-build):/.test(type))
        .map((type) => `there is a ${type}`),
    violations: {
      machines: (graph) => graph.and(machines, {}),
    },
  },
  {
    name: "there are machines only while there are jobs: spot first, then on demand, and so many at most",
    stages,
    check: (graph, { settings }) => {
      const found = graph.all(machines).map(({ inputs }) => {
        const resources = inputs["computeResources"];
        return ["type", "minVcpus", "maxVcpus", "desiredVcpus", "allocationStrategy"].map(
          (field) => at(resources, field) ?? null,
        );
      });
      const most = settings.batch?.maxVcpus;
      const order = graph
        .all(jobQueue)
        .flatMap(({ inputs }) => inputs["computeEnvironmentOrders"] as readonly unknown[]);
      return [
        ...differs("machines", found, [
          ["SPOT", 0, most, null, "SPOT_PRICE_CAPACITY_OPTIMIZED"],
          ["EC2", 0, most, null, "BEST_FIT_PROGRESSIVE"],
        ]),
        ...differs(
          "order",
          order.map((each) => at(each, "computeEnvironment")),
          graph.all(machines).map(({ outputs }) => outputs["arn"]),
        ),
      ];
    },
    violations: {
      "some that stay": (graph) =>
        graph.changed(machines, (inputs) => set(inputs, ["computeResources", "minVcpus"], 4)),
      "as many as there are": (graph) =>
        graph.changed(machines, (inputs) => set(inputs, ["computeResources", "maxVcpus"], 10_000)),
      "on demand first": (graph) =>
        graph.changed(jobQueue, (inputs) => ({
          ...inputs,
          computeEnvironmentOrders: (inputs["computeEnvironmentOrders"] as unknown[]).toReversed(),
        })),
    },
  },
  {
    name: "who asks for GPUs gets machines and containers that have one",
    stages,
    check: (graph) => [
      ...graph
        .all(machines)
        .flatMap(({ name, inputs }) => [
          ...differs(name, at(inputs, "computeResources", "ec2Configurations", 0, "imageType"), "ECS_AL2023_NVIDIA"),
          ...(at(inputs, "computeResources", "instanceTypes") as readonly string[])
            .filter((type) => !/^g\d/.test(type))
            .map((type) => `${type} has no GPU`),
        ]),
      ...differs("GPUs", containerOf(graph).resourceRequirements.find(({ type }) => type === "GPU")?.value, "1"),
    ],
    violations: {
      "a container without": (graph) =>
        withContainer(graph, {
          resourceRequirements: containerOf(graph).resourceRequirements.filter(({ type }) => type !== "GPU"),
        }),
      "a system without drivers": (graph) =>
        graph.changed(machines, (inputs) =>
          set(inputs, ["computeResources", "ec2Configurations", 0, "imageType"], "ECS_AL2023"),
        ),
      "machines without": (graph) =>
        graph.changed(machines, (inputs) => set(inputs, ["computeResources", "instanceTypes"], ["m7i.xlarge"])),
    },
  },
  {
    name: "a job is tried once, and ends",
    stages,
    check: (graph) =>
      graph
        .all(definition)
        .flatMap(({ name, inputs }) => [
          ...differs(name, at(inputs, "retryStrategy", "attempts"), 1),
          ...(Number(at(inputs, "timeout", "attemptDurationSeconds")) <= 86_400 ? [] : [`${name} runs for ever`]),
        ]),
    violations: {
      "three times": (graph) => graph.changed(definition, (inputs) => set(inputs, ["retryStrategy", "attempts"], 3)),
      "for ever": (graph) => graph.changed(definition, (inputs) => set(inputs, ["timeout"], undefined)),
    },
  },
  {
    name: "a container has no rights of its machine: no root, no credentials, an image by its digest",
    stages,
    check: (graph) => {
      const { user, privileged, image } = containerOf(graph);
      const [settings] = graph.all("aws:ec2:LaunchTemplate");
      const metadata = at(settings?.inputs, "metadataOptions");
      return [
        ...differs("user", [user, privileged], ["node", false]),
        ...differs("image", /@sha256:[0-9a-f]{64}$/.test(image), true),
        ...differs(
          "credentials",
          [at(metadata, "httpTokens"), at(metadata, "httpPutResponseHopLimit")],
          ["required", 1],
        ),
        ...differs("disk", at(settings?.inputs, "blockDeviceMappings", 0, "ebs", "encrypted"), "true"),
      ];
    },
    violations: {
      root: (graph) => withContainer(graph, { user: "root" }),
      "rights of its machine": (graph) => withContainer(graph, { privileged: true }),
      "an image that may change": (graph) => withContainer(graph, { image: "stampede:latest" }),
      "credentials within reach": (graph) =>
        graph.changed("aws:ec2:LaunchTemplate", (inputs) =>
          set(inputs, ["metadataOptions", "httpPutResponseHopLimit"], 2),
        ),
      "a disk that can be read": (graph) =>
        graph.changed("aws:ec2:LaunchTemplate", (inputs) =>
          set(inputs, ["blockDeviceMappings", 0, "ebs", "encrypted"], "false"),
        ),
    },
  },
  {
    name: "nobody can speak to a machine first",
    stages,
    check: (graph) =>
      ["aws:ec2:SecurityGroup", "aws:ec2:DefaultSecurityGroup"]
        .flatMap((type) => graph.all(type))
        .flatMap(({ name, inputs }) => differs(name, inputs["ingress"], [])),
    violations: {
      everybody: (graph) =>
        graph.changed("aws:ec2:SecurityGroup", (inputs) =>
          set(inputs, ["ingress"], [{ protocol: "-1", cidrBlocks: ["0.0.0.0/0"] }]),
        ),
    },
  },
  {
    name: "the driver is told of every job that failed",
    stages,
    check: (graph) => {
      const [found] = graph.all(rule);
      const [target] = graph.all("aws:cloudwatch:EventTarget");
      const pattern = json(found?.inputs["eventPattern"]);
      const queues = graph.all(jobQueue).map(({ outputs }) => outputs["arn"]);
      return [
        ...differs(
          "pattern",
          [at(pattern, "source"), at(pattern, "detail")],
          [["aws.batch"], { status: ["FAILED"], jobQueue: queues }],
        ),
        ...differs(
          "target",
          target?.inputs["arn"],
          "arn:aws:sqs:us-east-1:123456789012:stampede-production-invocations",
        ),
      ];
    },
    violations: {
      "of those that did not": (graph) =>
        graph.changed(rule, (inputs) => ({
          ...inputs,
          eventPattern: String(inputs["eventPattern"]).replace("FAILED", "SUCCEEDED"),
        })),
      "of none": (graph) => graph.without(rule),
      "somebody else": (graph) =>
        graph.changed("aws:cloudwatch:EventTarget", (inputs) => set(inputs, ["arn"], "arn:aws:sqs:us-east-1:1:else")),
    },
  },
  {
    name: "a container finds what a function finds, its region and its memory",
    stages,
    check: (graph) => {
      const ofFunction = at(functionOf(graph, "executor").inputs, "environment", "variables") as Readonly<
        Record<string, string>
      >;
      const { environment, resourceRequirements } = containerOf(graph);
      const memory = resourceRequirements.find(({ type }) => type === "MEMORY")?.value;
      const wanted = Object.entries(ofFunction).filter(([name]) => !/^SST_|^STAMPEDE_BATCH_/.test(name));
      const expected = [...wanted, ["AWS_REGION", "us-east-1"], ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory]];
      return differs("environment", sorted(environment.map(({ name, value }) => [name, value])), sorted(expected));
    },
    violations: {
      "no region": (graph) =>
        withContainer(graph, {
          environment: containerOf(graph).environment.filter(({ name }) => name !== "AWS_REGION"),
        }),
      "another bucket": (graph) =>
        withContainer(graph, {
          environment: containerOf(graph).environment.map(({ name, value }) => ({
            name,
            value: name === "STAMPEDE_BUCKET" ? "else" : value,
          })),
        }),
    },
  },
  {
    name: "a container may do what an executor function may, but for its log and its last words",
    stages,
    check: (graph) => {
      const actions = (arn: unknown): readonly string[] =>
        statementsOf(graph.byArn("aws:iam:Role", arn))
          .flatMap(({ Action }) => many(Action))
          .toSorted();
      const ofFunction = actions(functionOf(graph, "executor").inputs["role"]).filter(
        (action) => !action.startsWith("logs:"),
      );
      return differs("actions", actions(containerOf(graph).jobRoleArn), ofFunction);
    },
    violations: {
      "what the driver may": (graph) =>
        withContainer(graph, { jobRoleArn: String(functionOf(graph, "driver").inputs["role"]) }),
    },
  },
  {
    name: "its log is kept for a month",
    stages,
    check: (graph) => {
      const name = containerOf(graph).logConfiguration.options["awslogs-group"];
      const group = graph.all("aws:cloudwatch:LogGroup").find(({ inputs }) => inputs["name"] === name);
      return differs("log", group?.inputs["retentionInDays"], 30);
    },
    violations: {
      "Batch's own log": (graph) =>
        withContainer(graph, { logConfiguration: { options: { "awslogs-group": "/aws/batch/job" } } }),
    },
  },
];

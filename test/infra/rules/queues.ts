import { functions, functionNames, queueNames, queuesFor } from "../../../infra/resources.js";
import { namesOf } from "../../../infra/names.js";
import type { Graph } from "../synth/graph.js";
import type { Resource } from "../synth/record.js";
import { many, parse, withoutStatements, withStatement } from "./policies.js";
import { at, differs, json, set, sorted, type Rule } from "./rule.js";

const queue = "aws:sqs:Queue";
const mapping = "aws:lambda:EventSourceMapping";
const policy = "aws:sqs:QueuePolicy";

function isDead({ inputs }: Resource): boolean {
  return String(inputs["name"]).endsWith("-dead");
}

function eachMapping(
  graph: Graph,
  look: (mapped: Resource, from: Resource, to: Resource) => readonly string[],
): readonly string[] {
  return graph
    .all(mapping)
    .flatMap((mapped) =>
      look(
        mapped,
        graph.byArn(queue, mapped.inputs["eventSourceArn"]),
        graph.byArn("aws:lambda:Function", mapped.inputs["functionName"]),
      ),
    );
}

export const queueRules: readonly Rule[] = [
  {
    name: "a message is hidden six times as long as its function may work",
    check: (graph) =>
      eachMapping(graph, (_, from, to) => {
        const hidden = Number(from.inputs["visibilityTimeoutSeconds"]);
        const needed = 6 * Number(to.inputs["timeout"]);
        return hidden >= needed ? [] : [`${from.name} hides for ${hidden} s, ${to.name} needs ${needed}`];
      }),
    violations: {
      "SST's own default of a queue": (graph) =>
        graph.changed(queue, (inputs) => set(inputs, ["visibilityTimeoutSeconds"], 30)),
      "a function that may work longer": (graph) =>
        graph.changed("aws:lambda:Function", (inputs) => set(inputs, ["timeout"], 900)),
    },
  },
  {
    name: "one failed message does not bring the others back",
    check: (graph) =>
      eachMapping(graph, ({ name, inputs }) =>
        differs(name, inputs["functionResponseTypes"], ["ReportBatchItemFailures"]),
      ),
    violations: {
      "whole batches fail": (graph) => graph.changed(mapping, (inputs) => set(inputs, ["functionResponseTypes"], [])),
    },
  },
  {
    name: "queues wake the functions of the table, in batches and as many at a time as it says",
    check: (graph) => {
      const names = namesOf(`stampede-${graph.app.stage}`);
      const wanted = functionNames.flatMap((name) =>
        functions[name].sources.map(({ queue: from, batchSize, maxConcurrency }) => [
          names.queue(from),
          names.function(name),
          batchSize,
          maxConcurrency,
          0,
        ]),
      );
      const found = graph
        .all(mapping)
        .map(({ inputs }) => [
          graph.byArn(queue, inputs["eventSourceArn"]).inputs["name"],
          graph.byArn("aws:lambda:Function", inputs["functionName"]).inputs["name"],
          inputs["batchSize"],
          at(inputs, "scalingConfig", "maximumConcurrency"),
          inputs["maximumBatchingWindowInSeconds"],
        ]);
      return differs("mappings", sorted(found), sorted(wanted));
    },
    violations: {
      "no limit of concurrency": (graph) =>
        graph.changed(mapping, (inputs) => set(inputs, ["scalingConfig"], undefined)),
      "another batch": (graph) => graph.changed(mapping, (inputs) => set(inputs, ["batchSize"], 1)),
      "a window in which rounds wait": (graph) =>
        graph.changed(mapping, (inputs) => set(inputs, ["maximumBatchingWindowInSeconds"], 5)),
      "a queue that nobody reads": (graph) => graph.without(mapping, ({ name }) => name.startsWith("Deltas")),
    },
  },
  {
    name: "what cannot be handled becomes a dead letter of its own queue, of the same kind",
    check: (graph) => {
      const names = namesOf(`stampede-${graph.app.stage}`);
      return queueNames.flatMap((name) => {
        const live = graph.all(queue).find(({ inputs }) => inputs["name"] === names.queue(name));
        if (live === undefined) return [`no queue ${name}`];
        const redrive = json(live.inputs["redrivePolicy"]);
        const dead = graph.all(queue).find(({ outputs }) => outputs["arn"] === at(redrive, "deadLetterTargetArn"));
        return [
          ...differs(`${name}: dead letters`, dead?.inputs["name"], names.deadLetters(name)),
          ...differs(`${name}: tries`, at(redrive, "maxReceiveCount"), queuesFor(functions)[name].maxReceives),
          ...differs(`${name}: FIFO`, [live.inputs["fifoQueue"], dead?.inputs["fifoQueue"]], [false, false]),
          ...differs(`${name}: dead letters kept`, dead?.inputs["messageRetentionSeconds"], 1_209_600),
        ];
      });
    },
    violations: {
      "no dead letters": (graph) => graph.changed(queue, (inputs) => set(inputs, ["redrivePolicy"], undefined)),
      "those of another queue": (graph) =>
        graph.changed(
          queue,
          (inputs) => ({ ...inputs, redrivePolicy: String(inputs["redrivePolicy"]).replace("driver", "deltas") }),
          (each) => !isDead(each),
        ),
      "tried for ever": (graph) =>
        graph.changed(
          queue,
          (inputs) => ({ ...inputs, redrivePolicy: String(inputs["redrivePolicy"]).replace(/:\d+}$/, ":1000}") }),
          (each) => !isDead(each),
        ),
      "dead letters of another kind": (graph) =>
        graph.changed(queue, (inputs) => set(inputs, ["fifoQueue"], true), isDead),
      "forgotten soon": (graph) =>
        graph.changed(queue, (inputs) => set(inputs, ["messageRetentionSeconds"], 60), isDead),
    },
  },
  {
    name: "messages are encrypted, and travel by TLS only",
    check: (graph) =>
      graph
        .all(queue)
        .flatMap(({ name, inputs, outputs }) => [
          ...differs(`${name} encrypts`, inputs["sqsManagedSseEnabled"], true),
          ...(graph
            .all(policy)
            .some((each) => each.inputs["queueUrl"] === outputs["url"] && refusesPlain(each, outputs["arn"]))
            ? []
            : [`${name} can be spoken to without TLS`]),
        ]),
    violations: {
      "not encrypted": (graph) =>
        graph.changed(queue, (inputs) => set(inputs, ["sqsManagedSseEnabled"], false), isDead),
      "no policy": (graph) => graph.without(policy, ({ name }) => name.startsWith("Deltas")),
      "a policy of another queue": (graph) =>
        graph.changed(policy, (inputs) => ({ ...inputs, policy: String(inputs["policy"]).replaceAll("-dead", "") })),
      "a policy that refuses nothing": (graph) =>
        graph.changed(policy, (inputs) => ({
          ...inputs,
          policy: withoutStatements(inputs["policy"], ({ Effect }) => Effect === "Deny"),
        })),
    },
  },
  {
    name: "queues let nobody in by themselves but the rule that tells of failed Batch jobs",
    check: (graph, { settings }) => {
      const allowed = graph.all(policy).flatMap(({ name, inputs }) =>
        parse(inputs["policy"])
          .filter(({ Effect }) => Effect === "Allow")
          .map(({ Principal, Action, Condition }) => [name, Principal, Action, Condition]),
      );
      const [rule] = graph.all("aws:cloudwatch:EventRule");
      const ofRule = { ArnEquals: { "aws:SourceArn": rule?.outputs["arn"] } };
      const events = ["InvocationsQueuePolicy", { Service: "events.amazonaws.com" }, "sqs:SendMessage", ofRule];
      return differs("allowed", allowed, settings.batch === undefined ? [] : [events]);
    },
    violations: {
      "one that everybody may send to": (graph) =>
        graph.changed(policy, (inputs) => ({
          ...inputs,
          policy: withStatement(inputs["policy"], {
            Effect: "Allow",
            Principal: "*",
            Action: "sqs:SendMessage",
            Resource: String(many(parse(inputs["policy"])[0]?.Resource)[0]),
          }),
        })),
    },
  },
  {
    name: "the driver can tell its queues apart by their names",
    check: (graph) =>
      eachMapping(graph, (_, from) => {
        const arn = String(from.outputs["arn"]);
        return arn.includes("invocations") === from.name.startsWith("Invocations")
          ? []
          : [`${from.name} is called ${arn}`];
      }),
    violations: {
      "names as SST makes them": (graph) =>
        graph.rewritten((text) => text.replaceAll(/(stampede-\w+)-invocations/g, "$1-InvocationsQueue")),
    },
  },
];

function refusesPlain({ inputs }: Resource, arn: unknown): boolean {
  return parse(inputs["policy"]).some(
    ({ Effect, Principal, Action, Resource: on, Condition }) =>
      Effect === "Deny" &&
      Principal === "*" &&
      Action === "sqs:*" &&
      on === arn &&
      at(Condition, "Bool", "aws:SecureTransport") === "false",
  );
}

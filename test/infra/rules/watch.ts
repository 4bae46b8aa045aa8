import type { Graph } from "../synth/graph.js";
import type { Resource } from "../synth/record.js";
import { many, parse, statementsOf } from "./policies.js";
import { at, differs, set, type Rule } from "./rule.js";

const alarm = "aws:cloudwatch:MetricAlarm";
const action = "aws:budgets:BudgetAction";
const budget = "aws:budgets:Budget";

function alarmsOn(graph: Graph, metric: string, dimension: string, value: unknown): readonly Resource[] {
  return graph
    .all(alarm)
    .filter(({ inputs }) => inputs["metricName"] === metric && at(inputs, "dimensions", dimension) === value);
}

export const watchRules: readonly Rule[] = [
  {
    name: "somebody is told of the first dead letter of each queue",
    check: (graph) =>
      graph
        .all("aws:sqs:Queue")
        .filter(({ inputs }) => inputs["redrivePolicy"] === undefined)
        .flatMap(({ name, inputs }) => {
          const [found] = alarmsOn(graph, "ApproximateNumberOfMessagesVisible", "QueueName", inputs["name"]);
          return differs(
            name,
            [found?.inputs["threshold"], found?.inputs["comparisonOperator"]],
            [1, "GreaterThanOrEqualToThreshold"],
          );
        }),
    violations: {
      "of the tenth": (graph) => graph.changed(alarm, (inputs) => set(inputs, ["threshold"], 10)),
      "not of one queue": (graph) => graph.without(alarm, ({ name }) => name.startsWith("DeltasDead")),
    },
  },
  {
    name: "somebody is told of functions that fail or are held back, and of a schedule that does nothing",
    check: (graph) => [
      ...graph
        .all("aws:lambda:Function")
        .flatMap(({ name, inputs }) =>
          ["Errors", "Throttles"]
            .filter((metric) => alarmsOn(graph, metric, "FunctionName", inputs["name"]).length !== 1)
            .map((metric) => `${name}: ${metric}`),
        ),
      ...graph.all("aws:scheduler:Schedule").flatMap(({ inputs }) => {
        const named = graph.byArn("aws:lambda:Function", at(inputs, "target", "arn")).inputs["name"];
        const [found] = alarmsOn(graph, "Invocations", "FunctionName", named);
        return differs(
          "silence",
          [found?.inputs["treatMissingData"], found?.inputs["comparisonOperator"]],
          ["breaching", "LessThanThreshold"],
        );
      }),
    ],
    violations: {
      "not of errors": (graph) => graph.without(alarm, ({ name }) => name === "ExecutorErrorsAlarm"),
      "not of silence": (graph) => graph.without(alarm, ({ name }) => name.endsWith("SilenceAlarm")),
      "silence is no news": (graph) =>
        graph.changed(alarm, (inputs) => set(inputs, ["treatMissingData"], "notBreaching")),
    },
  },
  {
    name: "alarms reach whoever wants to hear of them",
    check: (graph, { settings }) => {
      const [topic] = graph.all("aws:sns:Topic");
      const told = graph.all("aws:sns:TopicSubscription").map(({ inputs }) => [inputs["topic"], inputs["endpoint"]]);
      return [
        ...graph
          .all(alarm)
          .flatMap(({ name, inputs }) => differs(name, inputs["alarmActions"], [topic?.outputs["arn"]])),
        ...differs(
          "told",
          told,
          settings.alarmEmail === undefined ? [] : [[topic?.outputs["arn"], settings.alarmEmail]],
        ),
      ];
    },
    violations: {
      nobody: (graph) => graph.changed(alarm, (inputs) => set(inputs, ["alarmActions"], [])),
      "somebody else": (graph) =>
        graph.and("aws:sns:TopicSubscription", { topic: "else", endpoint: "else@example.com" }),
    },
  },
  {
    name: "when the budget is spent, nothing that starts work may start more",
    check: (graph, { settings }) => {
      const starters = graph
        .all("aws:iam:Role")
        .filter((role) =>
          statementsOf(role).some(({ Action }) =>
            many(Action).some((each) => /^(lambda:InvokeFunction|batch:SubmitJob)$/.test(each)),
          ),
        )
        .filter(({ name }) => !name.startsWith("SweeperSchedule"))
        .map(({ inputs }) => String(inputs["name"]));
      const [found] = graph.all(action);
      const applied = at(found?.inputs, "definition", "iamActionDefinition");
      const halt = graph.all("aws:iam:Policy").find(({ outputs }) => outputs["arn"] === at(applied, "policyArn"));
      const denied =
        halt && parse(halt.inputs["policy"]).map(({ Effect, Action, Resource: on }) => [Effect, Action, on]);
      return [
        ...differs(
          "limit",
          graph.all(budget).map(({ inputs }) => inputs["limitAmount"]),
          [String(settings.monthlyBudget)],
        ),
        ...differs(
          "roles",
          [...many(at(applied, "roles") as readonly string[] | undefined)].toSorted(),
          starters.toSorted(),
        ),
        ...differs("denied", denied, [["Deny", ["lambda:InvokeFunction", "batch:SubmitJob"], "*"]]),
        ...differs("approval", found?.inputs["approvalModel"], "AUTOMATIC"),
      ];
    },
    violations: {
      "another limit": (graph) => graph.changed(budget, (inputs) => set(inputs, ["limitAmount"], "1000000")),
      "somebody has to agree": (graph) => graph.changed(action, (inputs) => set(inputs, ["approvalModel"], "MANUAL")),
      "one may go on": (graph) =>
        graph.changed(action, (inputs) =>
          set(inputs, ["definition", "iamActionDefinition", "roles"], ["stampede-driver"]),
        ),
      "nothing is denied": (graph) => graph.without("aws:iam:Policy"),
      "no limit": (graph) => graph.without(budget),
    },
  },
];

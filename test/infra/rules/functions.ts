import { namesOf } from "../../../infra/names.js";
import { byFunction, functions, functionNames, type FunctionName } from "../../../infra/resources.js";
import { functionVariables } from "../../../infra/variables.js";
import type { Graph } from "../synth/graph.js";
import type { Resource } from "../synth/record.js";
import { at, differs, set, sorted, type Rule } from "./rule.js";

const lambda = "aws:lambda:Function";
const asynchronous = "aws:lambda:FunctionEventInvokeConfig";
const logs = "aws:cloudwatch:LogGroup";
const schedule = "aws:scheduler:Schedule";

/** What SST adds to every function's environment: its own names, and the key of links that we do not use. */
const variablesOfSst = ["SST_KEY", "SST_KEY_FILE", "SST_RESOURCE_App"];
/** Lambda refuses a function that is given these. */
const reserved =
  /^(AWS_(REGION|DEFAULT_REGION|ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|LAMBDA_.*|EXECUTION_ENV)|_HANDLER|LAMBDA_.*)$/;

export function functionOf(graph: Graph, name: FunctionName): Resource {
  const wanted = namesOf(`stampede-${graph.app.stage}`).function(name);
  const found = graph.all(lambda).filter(({ inputs }) => inputs["name"] === wanted);
  const [only] = found;
  if (only === undefined || found.length > 1) throw new Error(`expected one function ${wanted}, found ${found.length}`);
  return only;
}

function each(look: (name: FunctionName, graph: Graph) => readonly string[]): Rule["check"] {
  return (graph) => functionNames.flatMap((name) => look(name, graph));
}

export const functionRules: readonly Rule[] = [
  {
    name: "the functions are those of the table, as large and for as long as it says",
    check: (graph, stage) => [
      ...differs("functions", graph.all(lambda).length, functionNames.length),
      ...each((name) => {
        const { memoryMb, timeoutSeconds, temporaryMb = 512 } = functions[name];
        const { inputs } = functionOf(graph, name);
        const found = [inputs["memorySize"], inputs["timeout"], at(inputs, "ephemeralStorage", "size")];
        return differs(name, found, [memoryMb, timeoutSeconds, temporaryMb]);
      })(graph, stage),
    ],
    violations: {
      "one more": (graph) => graph.and(lambda, { name: "more" }),
      "less memory": (graph) => graph.changed(lambda, (inputs) => set(inputs, ["memorySize"], 1024)),
      "SST's own default of time": (graph) => graph.changed(lambda, (inputs) => set(inputs, ["timeout"], 20)),
      "less room for files": (graph) =>
        graph.changed(lambda, (inputs) => set(inputs, ["ephemeralStorage", "size"], 512)),
    },
  },
  {
    name: "functions keep to Lambda's limits and run what is tested",
    check: (graph) =>
      graph
        .all(lambda)
        .flatMap(({ name, inputs }) => [
          ...(Number(inputs["memorySize"]) <= 10_240 && Number(inputs["timeout"]) <= 900
            ? []
            : [`${name} is too large`]),
          ...differs(name, [inputs["runtime"], inputs["architectures"]], ["nodejs22.x", ["x86_64"]]),
          ...differs(name, [inputs["packageType"], inputs["handler"]], ["Zip", "index.handler"]),
        ]),
    violations: {
      "too long": (graph) => graph.changed(lambda, (inputs) => set(inputs, ["timeout"], 901)),
      "too much memory": (graph) => graph.changed(lambda, (inputs) => set(inputs, ["memorySize"], 10_241)),
      "a runtime that AWS no longer takes": (graph) =>
        graph.changed(lambda, (inputs) => set(inputs, ["runtime"], "nodejs20.x")),
      "binaries of another processor": (graph) =>
        graph.changed(lambda, (inputs) => set(inputs, ["architectures"], ["arm64"])),
    },
  },
  {
    name: "functions find in their environment what they read there, and no secret",
    check: (graph, { settings, table }) => {
      const queueUrl = (name: string): string =>
        `https://sqs.us-east-1.amazonaws.com/123456789012/stampede-${graph.app.stage}-${name}`;
      const [bucket] = graph.all("aws:s3:Bucket");
      const prefix = `stampede-${graph.app.stage}`;
      const created = {
        bucket: String(bucket?.outputs["bucket"]),
        queueUrls: { driver: queueUrl("driver"), deltas: queueUrl("deltas"), invocations: queueUrl("invocations") },
        functionNames: byFunction((name) => `${prefix}-${name}`),
        batch: settings.batch && { queue: prefix, definition: `${prefix}-executor` },
      };
      const expected = functionVariables(created, { table, dataBuckets: settings.dataBuckets });
      return graph.all(lambda).flatMap(({ name, inputs }) => {
        const found = at(inputs, "environment", "variables") as Readonly<Record<string, string>>;
        const own = Object.entries(found).filter(([key]) => !variablesOfSst.includes(key));
        const refused = Object.keys(found).filter((key) => reserved.test(key));
        return [
          ...differs(name, sorted(own), sorted(Object.entries(expected))),
          ...differs(`${name} reserved`, refused, []),
        ];
      });
    },
    violations: {
      "one is missing": (graph) =>
        graph.changed(lambda, (inputs) => set(inputs, ["environment", "variables", "STAMPEDE_BUCKET"], undefined)),
      "another queue": (graph) =>
        graph.changed(lambda, (inputs) =>
          set(inputs, ["environment", "variables", "STAMPEDE_DELTAS_QUEUE_URL"], "https://else"),
        ),
      "a key": (graph) =>
        graph.changed(lambda, (inputs) => set(inputs, ["environment", "variables", "AWS_SECRET_ACCESS_KEY"], "x")),
      "one that Lambda refuses": (graph) =>
        graph.changed(lambda, (inputs) => set(inputs, ["environment", "variables", "AWS_REGION"], "us-east-1")),
    },
  },
  {
    name: "what ends without a word is not tried again by Lambda, and is told to the queue of the table",
    check: (graph, stage) => [
      ...differs(
        "configurations",
        graph.all(asynchronous).length,
        functionNames.filter((name) => functions[name].failuresTo).length,
      ),
      ...each((name) => {
        const { failuresTo } = functions[name];
        if (failuresTo === undefined) return [];
        const { inputs } = functionOf(graph, name);
        const config = graph.all(asynchronous).find((found) => found.inputs["functionName"] === inputs["name"])?.inputs;
        const destination = at(config, "destinationConfig", "onFailure", "destination");
        const arn = `arn:aws:sqs:us-east-1:123456789012:stampede-${graph.app.stage}-${failuresTo}`;
        return differs(name, [config?.["maximumRetryAttempts"], destination], [0, arn]);
      })(graph, stage),
    ],
    violations: {
      "Lambda's own default": (graph) =>
        graph.changed(asynchronous, (inputs) => set(inputs, ["maximumRetryAttempts"], 2)),
      "told to nobody": (graph) =>
        graph.changed(asynchronous, (inputs) => set(inputs, ["destinationConfig"], undefined)),
      "nothing said": (graph) => graph.without(asynchronous, ({ name }) => name.startsWith("Sharder")),
    },
  },
  {
    name: "every function writes to a log of its own, which is kept for a month",
    check: each((name, graph) => {
      const { inputs } = functionOf(graph, name);
      const wanted = namesOf(`stampede-${graph.app.stage}`).logGroup(name);
      const group = graph.all(logs).find((found) => found.inputs["name"] === wanted);
      const found = [at(inputs, "loggingConfig", "logGroup"), group?.inputs["retentionInDays"]];
      return differs(name, found, [wanted, 30]);
    }),
    violations: {
      "kept for ever": (graph) => graph.changed(logs, (inputs) => set(inputs, ["retentionInDays"], 0)),
      "the log of another": (graph) =>
        graph.changed(lambda, (inputs) => set(inputs, ["loggingConfig", "logGroup"], "/aws/lambda/else")),
      none: (graph) => graph.without(logs, ({ name }) => name.startsWith("Sweeper")),
    },
  },
  {
    name: "what the table wants to be invoked every few minutes is",
    check: (graph) => {
      const wanted = functionNames.flatMap((name) => {
        const { everyMinutes } = functions[name];
        return everyMinutes === undefined
          ? []
          : [[functionOf(graph, name).outputs["arn"], `rate(${everyMinutes} minutes)`, "ENABLED"]];
      });
      const found = graph
        .all(schedule)
        .map(({ inputs }) => [at(inputs, "target", "arn"), inputs["scheduleExpression"], inputs["state"]]);
      return differs("schedules", found, wanted);
    },
    violations: {
      "switched off": (graph) => graph.changed(schedule, (inputs) => set(inputs, ["state"], "DISABLED")),
      seldom: (graph) => graph.changed(schedule, (inputs) => set(inputs, ["scheduleExpression"], "rate(1 day)")),
      none: (graph) => graph.without(schedule),
    },
  },
  {
    name: "no more executors run and requests are answered at a time than whoever deploys allows; nobody else is held back",
    check: (graph, { settings, table }) =>
      functionNames.flatMap((name) => {
        const { answersRequests = false } = table[name];
        const ofExecutors = name === "executor" ? settings.maxExecutors : undefined;
        const expected = answersRequests ? settings.maxRequests : ofExecutors;
        return differs(name, functionOf(graph, name).inputs["reservedConcurrentExecutions"], expected);
      }),
    violations: {
      "another number": (graph) => graph.changed(lambda, (inputs) => set(inputs, ["reservedConcurrentExecutions"], 1)),
    },
  },
];

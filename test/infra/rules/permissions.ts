import { functionNames } from "../../../infra/resources.js";
import type { Graph } from "../synth/graph.js";
import type { Resource } from "../synth/record.js";
import { functionOf } from "./functions.js";
import {
  inlinePoliciesOf,
  many,
  policiesOf,
  statementsOf,
  trustOf,
  withoutStatements,
  withStatement,
  type Statement,
} from "./policies.js";
import { at, differs, set, type Rule } from "./rule.js";

const role = "aws:iam:Role";

/** The one policy of AWS's own: of the agent on the machines of Batch, which names clusters that Batch makes. */
const managedPolicies = ["arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"];
/** Services that act for whoever asks them: without a word of whose account, for others too. Lambda and EC2 do not say it. */
const servicesOfAnybody = ["scheduler.amazonaws.com", "budgets.amazonaws.com", "ecs-tasks.amazonaws.com"];

/** Roles that a function runs under. */
function isOfFunction({ name }: Resource): boolean {
  return functionNames.some((each) => name.toLowerCase() === `${each.replaceAll("-", "")}role`);
}

function allowMore(
  graph: Graph,
  more: Pick<Statement, "Action" | "Resource">,
  which: (found: Resource) => boolean,
): Graph {
  return changedPolicies(graph, (text) => withStatement(text, { Effect: "Allow", ...more }), which);
}

function changedPolicies(graph: Graph, change: (text: string) => string, which: (found: Resource) => boolean): Graph {
  return graph.changed(
    role,
    (inputs, found) => ({
      ...inputs,
      inlinePolicies: inlinePoliciesOf(found).map((text) => ({ name: "access", policy: change(text) })),
    }),
    which,
  );
}

function trusting(graph: Graph, principal: NonNullable<Statement["Principal"]>): Graph {
  return graph.changed(role, (inputs) => ({
    ...inputs,
    assumeRolePolicy: withStatement(inputs["assumeRolePolicy"], {
      Effect: "Allow",
      Action: "sts:AssumeRole",
      Principal: principal,
    }),
  }));
}

export const permissionRules: readonly Rule[] = [
  {
    name: "nothing is allowed by a wildcard: no action, no resource",
    check: (graph) =>
      policiesOf(graph).flatMap(({ of, statements }) =>
        statements
          .filter(({ Effect }) => Effect === "Allow")
          .flatMap(({ Action, Resource: on }) => [
            ...many(Action).filter((action) => action.includes("*")),
            // Of one bucket, log group or definition: everything in it.
            ...many(on).filter((arn) => !/^arn:aws:[a-z0-9]+:[a-z0-9-]*:\d*:[^*]+(\/\*|:\*)?$/.test(arn)),
          ])
          .map((wide) => `${of.name} allows ${wide}`),
      ),
    violations: {
      "all of a service, as SST's links": (graph) =>
        allowMore(graph, { Action: "s3:*", Resource: "arn:aws:s3:::a/*" }, isOfFunction),
      "every action": (graph) => allowMore(graph, { Action: "*", Resource: "arn:aws:s3:::a/*" }, isOfFunction),
      "every resource": (graph) => allowMore(graph, { Action: "s3:GetObject", Resource: "*" }, isOfFunction),
      "every bucket": (graph) => allowMore(graph, { Action: "s3:GetObject", Resource: "arn:aws:s3:::*" }, isOfFunction),
      "every queue of the account": (graph) =>
        allowMore(graph, { Action: "sqs:SendMessage", Resource: "arn:aws:sqs:us-east-1:123456789012:*" }, isOfFunction),
    },
  },
  {
    name: "every role is trusted to one service of AWS: no account, nobody else",
    check: (graph) =>
      graph.all(role).flatMap((found) => {
        const trusted = trustOf(found).map(({ Principal }) => Object.entries(Principal ?? {}));
        const isOneService =
          trusted.length === 1 &&
          trusted[0]?.length === 1 &&
          trusted[0][0]?.[0] === "Service" &&
          typeof trusted[0][0][1] === "string";
        return isOneService ? [] : [`${found.name} trusts ${JSON.stringify(trusted)}`];
      }),
    violations: {
      "the account, as SST's own roles": (graph) => trusting(graph, { AWS: "arn:aws:iam::123456789012:root" }),
      everybody: (graph) => trusting(graph, "*"),
      "one more service": (graph) => trusting(graph, { Service: "ec2.amazonaws.com" }),
    },
  },
  {
    name: "services that anybody may ask take roles on for this account only",
    check: (graph) =>
      graph.all(role).flatMap((found) =>
        trustOf(found)
          .filter(({ Principal }) => servicesOfAnybody.includes(String(at(Principal, "Service"))))
          .flatMap(({ Condition }) =>
            differs(found.name, Condition, { StringEquals: { "aws:SourceAccount": "123456789012" } }),
          ),
      ),
    violations: {
      "no word of an account": (graph) =>
        graph.changed(role, (inputs) => ({
          ...inputs,
          assumeRolePolicy: String(inputs["assumeRolePolicy"]).replace(/,"Condition":\{.*?\}\}/, ""),
        })),
    },
  },
  {
    name: "every function has a role of its own, trusted to Lambda",
    check: (graph) => {
      const roles = functionNames.map((name) => graph.byArn(role, functionOf(graph, name).inputs["role"]));
      return [
        ...differs("roles", new Set(roles).size, functionNames.length),
        ...roles.flatMap((found) =>
          differs(found.name, at(trustOf(found)[0]?.Principal, "Service"), "lambda.amazonaws.com"),
        ),
      ];
    },
    violations: {
      "one role for all": (graph) => {
        const shared = functionOf(graph, "driver").inputs["role"];
        return graph.changed("aws:lambda:Function", (inputs) => set(inputs, ["role"], shared));
      },
    },
  },
  {
    name: "no policy is attached that does not stand in the graph, but the one of Batch's machines",
    check: (graph) => {
      const attached = graph.all("aws:iam:RolePolicyAttachment").map(({ inputs }) => String(inputs["policyArn"]));
      const managed = graph.all(role).flatMap(({ inputs }) => (inputs["managedPolicyArns"] ?? []) as readonly string[]);
      return [...attached, ...managed]
        .filter((arn) => !managedPolicies.includes(arn))
        .map((arn) => `${arn} is attached`);
    },
    violations: {
      "to a role": (graph) =>
        graph.changed(role, (inputs) =>
          set(inputs, ["managedPolicyArns"], ["arn:aws:iam::aws:policy/AdministratorAccess"]),
        ),
      "by an attachment": (graph) =>
        graph.and("aws:iam:RolePolicyAttachment", { policyArn: "arn:aws:iam::aws:policy/PowerUserAccess" }),
    },
  },
  {
    name: "a function may tell of its failures where Lambda does so in its name",
    check: (graph) =>
      graph.all("aws:lambda:FunctionEventInvokeConfig").flatMap(({ name, inputs }) => {
        const target = at(inputs, "destinationConfig", "onFailure", "destination");
        const named = graph.all("aws:lambda:Function").find((found) => found.inputs["name"] === inputs["functionName"]);
        const may = statementsOf(graph.byArn(role, named?.inputs["role"])).some(
          ({ Action, Resource: on }) => many(Action).includes("sqs:SendMessage") && many(on).includes(String(target)),
        );
        return may ? [] : [`${name} may not send to ${JSON.stringify(target)}`];
      }),
    violations: {
      "may send nothing": (graph) =>
        changedPolicies(
          graph,
          (text) => withoutStatements(text, ({ Action }) => many(Action).includes("sqs:SendMessage")),
          isOfFunction,
        ),
    },
  },
  {
    name: "of the users' buckets only those are read that whoever deploys names",
    check: (graph, { settings }) => {
      const [own] = graph.all("aws:s3:Bucket");
      const arns = graph
        .all(role)
        .flatMap(statementsOf)
        .flatMap(({ Resource: on }) => many(on))
        .filter((arn) => arn.startsWith("arn:aws:s3:::") && arn.split("/")[0] !== own?.outputs["arn"]);
      const expected = settings.dataBuckets.flatMap((name) => [`arn:aws:s3:::${name}`, `arn:aws:s3:::${name}/*`]);
      return differs("buckets", [...new Set(arns)].toSorted(), expected.toSorted());
    },
    violations: {
      "one more": (graph) =>
        allowMore(graph, { Action: "s3:GetObject", Resource: "arn:aws:s3:::payroll/*" }, isOfFunction),
    },
  },
];

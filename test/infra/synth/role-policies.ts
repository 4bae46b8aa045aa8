import * as emulated from "../../../infra/emulated/arns.js";
import { namesOf } from "../../../infra/names.js";
import { byFunction, type FunctionName } from "../../../infra/resources.js";
import { inlinePoliciesOf } from "../rules/policies.js";
import type { Graph } from "./graph.js";
import { account } from "./paths.js";

/**
 * What each function's role may do, as it would be deployed: the text of its policy.
 * @throws Error when a role has not exactly one
 */
export function rolePolicies(graph: Graph): Readonly<Record<FunctionName, string>> {
  const names = namesOf(`stampede-${graph.app.stage}`);
  return byFunction((name) => {
    const named = graph.all("aws:lambda:Function").find(({ inputs }) => inputs["name"] === names.function(name));
    const [policy, ...more] = inlinePoliciesOf(graph.byArn("aws:iam:Role", named?.inputs["role"]));
    if (policy === undefined || more.length > 0) throw new Error(`expected one policy of the function ${name}`);
    return policy;
  });
}

/** The same, speaking of what the emulated deployment has: its option `policies`. */
export function rolePoliciesOnEmulator(graph: Graph): Readonly<Record<FunctionName, string>> {
  const policies = rolePolicies(graph);
  const [own] = graph.all("aws:s3:Bucket");
  return byFunction((name) =>
    policies[name]
      .replaceAll(String(own?.outputs["bucket"]), emulated.bucket)
      .replaceAll(account, emulated.account)
      .replaceAll(`stampede-${graph.app.stage}`, emulated.prefix),
  );
}

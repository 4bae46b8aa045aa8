import { emulatedArns } from "../../../infra/emulated/arns.js";
import { policyOf } from "../../../infra/policy.js";
import { byFunction, functions, type FunctionName } from "../../../infra/resources.js";

interface Policy {
  readonly Version: string;
  readonly Statement: readonly { readonly Sid: string }[];
}

const arns = emulatedArns({
  batch: { queue: "stampede-local", definition: "stampede-local-executor" },
  dataBuckets: ["users-data"],
});

function policy(name: FunctionName): Policy {
  return JSON.parse(policyOf(name, functions, arns)) as Policy;
}

/** Names of all statements that a function's role has. */
export function statementsOf(name: FunctionName): readonly string[] {
  return policy(name).Statement.map(({ Sid }) => Sid);
}

/** The policies of all functions, less one statement of one of them. */
export function policiesWithout(from: FunctionName, sid: string): Readonly<Record<FunctionName, string>> {
  return byFunction((name) => {
    const { Version, Statement } = policy(name);
    const kept = name === from ? Statement.filter(({ Sid }) => Sid !== sid) : Statement;
    if (name === from && kept.length === Statement.length) throw new Error(`${name} has no statement ${sid}`);
    return JSON.stringify({ Version, Statement: kept });
  });
}

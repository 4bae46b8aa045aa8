import type { Graph } from "../synth/graph.js";
import type { Resource } from "../synth/record.js";

/** Statements of a policy, whatever they are attached to. */
export interface Statement {
  readonly Effect: string;
  readonly Action?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Principal?: string | Readonly<Record<string, string | readonly string[]>>;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface Policy {
  /** The resource that has it. */
  readonly of: Resource;
  readonly statements: readonly Statement[];
}

/** What is allowed to whom by the roles, and by resources themselves. */
export function policiesOf(graph: Graph): readonly Policy[] {
  return [
    ...graph.all("aws:iam:Role").flatMap((of) => inlinePoliciesOf(of).map((text) => ({ of, statements: parse(text) }))),
    ...["aws:iam:Policy", "aws:sqs:QueuePolicy", "aws:s3:BucketPolicy", "aws:sns:TopicPolicy"].flatMap((type) =>
      graph.all(type).map((of) => ({ of, statements: parse(of.inputs["policy"]) })),
    ),
  ];
}

/** The statements of a role's own policies. */
export function statementsOf(role: Resource): readonly Statement[] {
  return inlinePoliciesOf(role).flatMap(parse);
}

export function inlinePoliciesOf({ inputs }: Resource): readonly string[] {
  const policies = (inputs["inlinePolicies"] ?? []) as readonly { readonly policy: string }[];
  return policies.map(({ policy }) => policy);
}

export function trustOf({ inputs }: Resource): readonly Statement[] {
  return parse(inputs["assumeRolePolicy"]);
}

export function parse(text: unknown): readonly Statement[] {
  return (JSON.parse(String(text)) as { readonly Statement: readonly Statement[] }).Statement;
}

export function many<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

/** The text of a policy with one more statement. */
export function withStatement(text: unknown, statement: Statement): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: [...parse(text), statement] });
}

/** The text of a policy without those statements. */
export function withoutStatements(text: unknown, which: (statement: Statement) => boolean): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: parse(text).filter((each) => !which(each)) });
}

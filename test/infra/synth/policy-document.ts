interface Principal {
  readonly type: string;
  readonly identifiers: readonly string[];
}

interface Condition {
  readonly test: string;
  readonly variable: string;
  readonly values: readonly string[];
}

interface StatementInput {
  readonly sid?: string;
  readonly effect?: string;
  readonly actions?: readonly string[];
  readonly resources?: readonly string[];
  readonly principals?: readonly Principal[];
  readonly conditions?: readonly Condition[];
}

/** What AWS's provider makes of a policy that is given as data: the text that is checked, and is deployed. */
export function policyDocument(inputs: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const statements = (inputs["statements"] ?? []) as readonly StatementInput[];
  const json = JSON.stringify({ Version: "2012-10-17", Statement: statements.map(statementOf) });
  // As the true one, says nothing of statements where there are none: components ask for that.
  return { id: "1", json, minifiedJson: json, ...(statements.length > 0 && { statements }) };
}

function statementOf({ sid, effect = "Allow", actions, resources, principals, conditions }: StatementInput): object {
  return {
    ...(sid !== undefined && { Sid: sid }),
    Effect: effect,
    ...(actions && { Action: one(actions) }),
    ...(resources && { Resource: one(resources) }),
    ...(principals && { Principal: principalOf(principals) }),
    ...(conditions && {
      Condition: Object.fromEntries(
        conditions.map(({ test, variable, values }) => [test, { [variable]: one(values) }]),
      ),
    }),
  };
}

function principalOf(principals: readonly Principal[]): unknown {
  if (principals.some(({ type }) => type === "*")) return "*";
  return Object.fromEntries(principals.map(({ type, identifiers }) => [type, one(identifiers)]));
}

function one(values: readonly string[]): string | readonly string[] | undefined {
  return values.length === 1 ? values[0] : values;
}

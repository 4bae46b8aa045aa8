import { trustOf } from "../policy.js";
import { functionNames, type FunctionTable } from "../resources.js";
import type { Roles } from "./roles.js";
import { account, prefix, settings } from "./stage.js";

interface Guarded {
  readonly table: FunctionTable;
  readonly roles: Roles;
  /** Is told when half and when all of it is spent, and when that is to be expected. */
  readonly alarms: aws.sns.Topic;
}

/**
 * When the account has cost as much in a month as it may, nothing new is started: functions that start others lose that permission,
 * jobs end with an error that says so, and what runs comes to its end. AWS counts costs some hours late.
 */
export function createBudget({ table, roles, alarms }: Guarded): void {
  const topics = [alarms.arn];
  const notify = (notificationType: string, threshold: number): aws.types.input.budgets.BudgetNotification => ({
    comparisonOperator: "GREATER_THAN",
    notificationType,
    threshold,
    thresholdType: "PERCENTAGE",
    subscriberSnsTopicArns: topics,
  });
  const budget = new aws.budgets.Budget("Budget", {
    name: prefix,
    budgetType: "COST",
    timeUnit: "MONTHLY",
    limitAmount: String(settings.monthlyBudget),
    limitUnit: "USD",
    notifications: [notify("ACTUAL", 50), notify("ACTUAL", 100), notify("FORECASTED", 100)],
  });
  const starters = functionNames.filter((name) => table[name].access.invokes.length > 0).map((name) => roles[name]);
  const halt = new aws.iam.Policy("BudgetHalt", { name: `${prefix}-halt`, policy: haltPolicy() });
  new aws.budgets.BudgetAction("BudgetAction", {
    budgetName: budget.name,
    actionType: "APPLY_IAM_POLICY",
    approvalModel: "AUTOMATIC",
    notificationType: "ACTUAL",
    actionThreshold: { actionThresholdType: "PERCENTAGE", actionThresholdValue: 100 },
    definition: { iamActionDefinition: { policyArn: halt.arn, roles: starters.map((role) => role.name) } },
    executionRoleArn: createGuardRole(halt, starters).arn,
    subscribers: [{ subscriptionType: "SNS", address: alarms.arn }],
  });
}

/** Denies: what it speaks of may be everything. */
function haltPolicy(): string {
  const statement = {
    Sid: "StartNothing",
    Effect: "Deny",
    Action: ["lambda:InvokeFunction", "batch:SubmitJob"],
    Resource: "*",
  };
  return JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
}

/** Of the budget itself: it may put that one policy on those roles and take it off, no other. */
function createGuardRole(halt: aws.iam.Policy, starters: readonly aws.iam.Role[]): aws.iam.Role {
  const policy = $jsonStringify({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "HaltStarters",
        Effect: "Allow",
        Action: ["iam:AttachRolePolicy", "iam:DetachRolePolicy"],
        Resource: starters.map((role) => role.arn),
        Condition: { ArnEquals: { "iam:PolicyARN": halt.arn } },
      },
    ],
  });
  const trust = account.apply((own) =>
    trustOf("budgets.amazonaws.com", { StringEquals: { "aws:SourceAccount": own } }),
  );
  return new aws.iam.Role("BudgetRole", {
    name: `${prefix}-budget`,
    assumeRolePolicy: trust,
    inlinePolicies: [{ name: "access", policy }],
  });
}

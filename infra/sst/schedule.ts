import { functionNames, type FunctionTable } from "../resources.js";
import { trustOf } from "../policy.js";
import type { Functions } from "./functions.js";
import { account, names, pascal } from "./stage.js";

/** Wakes those functions of the table that are invoked every so many minutes. One that fails is not tried again: the next time is soon. */
export function createSchedules(table: FunctionTable, deployed: Functions): void {
  for (const name of functionNames) {
    const { everyMinutes } = table[name];
    if (everyMinutes === undefined) continue;
    new sst.aws.CronV2(`${pascal(name)}Schedule`, {
      schedule: `rate(${everyMinutes} ${everyMinutes === 1 ? "minute" : "minutes"})`,
      function: deployed[name].arn,
      retries: 0,
      transform: {
        schedule: { name: names.function(name) },
        role: { name: `${names.function(name)}-schedule`, assumeRolePolicy: account.apply(trustOfScheduler) },
      },
    });
  }
}

/** Schedules of this account only: the service is everybody's. */
function trustOfScheduler(ownAccount: string): string {
  return trustOf("scheduler.amazonaws.com", { StringEquals: { "aws:SourceAccount": ownAccount } });
}

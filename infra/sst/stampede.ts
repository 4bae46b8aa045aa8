import { byFunction, byQueue, functionNames, functions, type FunctionTable } from "../resources.js";
import { functionVariables, userVariables } from "../variables.js";
import { createAlarms } from "./alarms.js";
import { createBatch } from "./batch/batch.js";
import { createBudget } from "./budget.js";
import { bundles } from "./bundles.js";
import { createFunctions } from "./functions.js";
import { createQueues } from "./queues.js";
import { createRoles } from "./roles.js";
import { createSchedules } from "./schedule.js";
import { names, region, settings } from "./stage.js";
import { createBucket } from "./storage.js";

/**
 * Creates all of a deployment: what the table of resources names, and what watches over it.
 * @returns what a user sets to submit jobs to it
 */
export async function stampede(table: FunctionTable = functions): Promise<Record<string, $util.Input<string>>> {
  const folder = await bundles();
  const bucket = createBucket();
  const queues = createQueues(table);
  const created = {
    bucket: bucket.name,
    queueUrls: byQueue((name) => queues[name].url),
    functionNames: byFunction(names.function),
  };
  const common = { table, folder, bucket, queues };
  const told = { table, dataBuckets: settings.dataBuckets };
  const batch =
    settings.batch && createBatch({ ...common, settings: settings.batch, variables: functionVariables(created, told) });
  const roles = createRoles(table, { bucket, queues, batch });
  const variables = functionVariables({ ...created, batch }, told);
  const deployed = createFunctions({ table, folder, roles, queues, variables });
  createSchedules(table, deployed);
  const alarms = createAlarms(table, deployed);
  if (settings.monthlyBudget > 0) createBudget({ table, roles, alarms });
  const [answering] = functionNames.filter((name) => table[name].answersRequests === true);
  return {
    AWS_REGION: region,
    ...userVariables(created, table),
    ...(answering !== undefined && { STAMPEDE_URL: deployed[answering].url.apply(withoutSlash) }),
  };
}

/** Paths are told with one in front. */
const withoutSlash = (url: string): string => url.replace(/\/$/, "");

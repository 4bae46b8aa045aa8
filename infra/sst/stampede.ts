import { byFunction, byQueue, functions } from "../resources.js";
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
export async function stampede(): Promise<Record<string, $util.Input<string>>> {
  const folder = await bundles();
  const bucket = createBucket();
  const queues = createQueues();
  const created = {
    bucket: bucket.name,
    queueUrls: byQueue((name) => queues[name].url),
    functionNames: byFunction(names.function),
  };
  const batch =
    settings.batch &&
    createBatch({ settings: settings.batch, folder, bucket, queues, variables: functionVariables(created) });
  const roles = createRoles({ bucket, queues, batch });
  const deployed = createFunctions({
    folder,
    roles,
    queues,
    variables: functionVariables({ ...created, batch }),
  });
  createSchedules(deployed);
  const alarms = createAlarms(deployed);
  if (settings.monthlyBudget > 0) createBudget({ roles, alarms });
  return { AWS_REGION: region, ...userVariables(created, functions) };
}

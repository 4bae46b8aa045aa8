import { chooseCluster, withStore, type ClusterOptions } from "../cluster.js";
import { exitCode, type ExitCode } from "../exit-code.js";
import { voiceFor, type Host } from "../host.js";
import { garbageLines } from "../present/garbage.js";
import { readNumber } from "./options.js";

export interface GcOptions extends Pick<ClusterOptions, "cluster"> {
  readonly dryRun?: boolean;
  readonly minAgeHours?: string;
  readonly jobsOlderThanDays?: string;
  readonly json?: boolean;
}

/** `stampede jobs gc` */
export async function collectGarbage(host: Host, options: GcOptions): Promise<ExitCode> {
  const minAgeHours = readNumber("--min-age-hours", options.minAgeHours, { from: 0 });
  const jobsOlderThanDays = readNumber("--jobs-older-than-days", options.jobsOlderThanDays, { from: 0 });
  return withStore(host, chooseCluster(host, options), async (client, cluster) => {
    const report = await client.removeGarbage(cluster, {
      dryRun: options.dryRun === true,
      ...(minAgeHours !== undefined && { minAgeHours }),
      ...(jobsOlderThanDays !== undefined && { jobsOlderThanDays }),
    });
    const json = voiceFor(host, options.json === true) === "json";
    const lines = json ? [JSON.stringify(report)] : garbageLines(report);
    host.stdout.write(`${lines.join("\n")}\n`);
    return exitCode.done;
  });
}

import { readdirSync, readFileSync } from "node:fs";
import type { FunctionName } from "../../../infra/resources.js";
import { until } from "../../chaos/support/until.js";
import type { Cloud } from "./cloud.js";

/** The processes of a function's environments that speak to this emulator, busy and idle ones. */
function environmentsOf(name: FunctionName, endpoint: string): readonly number[] {
  const wanted = [`AWS_LAMBDA_FUNCTION_NAME=stampede-local-${name}`, `AWS_ENDPOINT_URL=${endpoint}`];
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => {
      const variables = readOrNothing(`/proc/${entry}/environ`).split("\0");
      return wanted.every((each) => variables.includes(each)) && isNode(entry);
    })
    .map(Number);
}

/** Not the shell that becomes it. */
function isNode(entry: string): boolean {
  return readOrNothing(`/proc/${entry}/cmdline`).includes("runtime.mjs");
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // It has ended meanwhile.
    return "";
  }
}

/** One of them, once there is one. */
export async function someEnvironment(name: FunctionName, cloud: Cloud): Promise<number> {
  const { AWS_ENDPOINT_URL = "" } = cloud.emulation.deployment.functionVariables;
  let found: number | undefined;
  await until(`an environment of ${name}`, () => {
    [found] = environmentsOf(name, AWS_ENDPOINT_URL);
    return found !== undefined;
  });
  return found ?? 0;
}

/** Kills it if it is still there, and says whether it was. */
export function kill(pid: number): boolean {
  try {
    process.kill(pid, "SIGKILL");
    return true;
  } catch {
    return false;
  }
}

import { availableParallelism, freemem, totalmem } from "node:os";
import { statfs } from "node:fs/promises";
import { chooseCluster, homeFolder, type ClusterOptions } from "../cluster.js";
import { exitCode, type ExitCode } from "../exit-code.js";
import { colorsFor, type Colors, type Host } from "../host.js";
import { bytes, counted } from "../present/text.js";
import { checkEndpoint, type EndpointOptions } from "./check-endpoint.js";
import { checkEngines } from "./check-engines.js";
import { checkStoreFolder, nearestFolder } from "./check-store-folder.js";

export interface Check {
  readonly check: string;
  /** False: training cannot work here. */
  readonly ok: boolean;
  /** Training works, with what was found. */
  readonly warning?: boolean;
  readonly found: string;
  /** What to do when it is not ok, or a warning. */
  readonly remedy?: string;
}

/** Below this a job of any size would soon run out. */
const littleDiskBytes = 1e9;
const oldestNode = [20, 19] as const;

export interface DoctorOptions extends Pick<ClusterOptions, "cluster">, EndpointOptions {
  readonly json?: boolean;
}

/** `stampede doctor`: exit code 1 when something is missing that training needs. */
export async function doctor(host: Host, options: DoctorOptions): Promise<ExitCode> {
  const isOfCloud = options.endpoint !== undefined || chooseCluster(host, options).name === "aws";
  const checks = isOfCloud ? await checkCloud(host, options) : await checkMachine(host);
  const lines = options.json === true ? checks.map((check) => JSON.stringify(check)) : describe(checks, host);
  host.stdout.write(`${lines.join("\n")}\n`);
  return checks.every(({ ok }) => ok) ? exitCode.done : exitCode.failed;
}

async function checkMachine(host: Host): Promise<readonly Check[]> {
  const home = homeFolder(host);
  return [
    checkNode(process.versions.node),
    ...(await Promise.all([checkStoreFolder(home), checkEngines(), checkDisk(home)])),
    checkCores(),
    checkMemory(),
  ];
}

/** Models are compiled on this machine, wherever they train. */
async function checkCloud(host: Host, options: DoctorOptions): Promise<readonly Check[]> {
  const found = await checkEndpoint(host, options);
  const endpoint = found.map(({ status, ...check }) => ({
    ...check,
    ok: status !== "missing",
    ...(status === "warning" && { warning: true }),
  }));
  return [checkNode(process.versions.node), await checkEngines(), ...endpoint];
}

function describe(checks: readonly Check[], host: Host): string[] {
  const colors = colorsFor(host.stdout, host.env);
  const width = Math.max(...checks.map(({ check }) => check.length));
  const lines = checks.flatMap(({ check, ok, warning = false, found, remedy }) => [
    `${stateOf(ok, warning, colors)}  ${check.padEnd(width)}  ${found}`,
    ...((ok && !warning) || remedy === undefined ? [] : [`${" ".repeat(11 + width)}what to do: ${remedy}`]),
  ]);
  const missing = checks.filter(({ ok }) => !ok).length;
  return [...lines, missing === 0 ? "Ready to train." : `${counted(missing, "thing")} missing.`];
}

function stateOf(ok: boolean, warning: boolean, colors: Colors): string {
  if (!ok) return colors.red("MISSING");
  return warning ? colors.yellow("warning") : colors.green("ok     ");
}

export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const ok = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
  return { check: "Node.js", ok, found: version, remedy: `install Node.js ${oldestNode.join(".")} or newer` };
}

async function checkDisk(home: string): Promise<Check> {
  const { bavail, bsize } = await statfs(await nearestFolder(home));
  const free = bavail * bsize;
  const warning = free < littleDiskBytes ? " (little: data sets and every round's weights are kept)" : "";
  return {
    check: "free disk",
    ok: free > 0,
    found: bytes(free) + warning,
    remedy: "free some space, or set STAMPEDE_HOME",
  };
}

function checkCores(): Check {
  return { check: "cores", ok: true, found: String(availableParallelism()) };
}

function checkMemory(): Check {
  const limit = process.constrainedMemory();
  const limited = limit > 0 && limit < totalmem() ? `, limited to ${bytes(limit)} by a control group` : "";
  return { check: "memory", ok: true, found: `${bytes(freemem())} free of ${bytes(totalmem())}${limited}` };
}

import { availableParallelism, freemem, totalmem } from "node:os";
import { statfs } from "node:fs/promises";
import { homeFolder } from "../cluster.js";
import { exitCode, type ExitCode } from "../exit-code.js";
import { colorsFor, type Host } from "../host.js";
import { bytes, counted } from "../present/text.js";
import { checkEngines } from "./check-engines.js";
import { checkStoreFolder, nearestFolder } from "./check-store-folder.js";

export interface Check {
  readonly check: string;
  /** False: training cannot work here. */
  readonly ok: boolean;
  readonly found: string;
  /** What to do when it is not ok. */
  readonly remedy?: string;
}

/** Below this a job of any size would soon run out. */
const littleDiskBytes = 1e9;
const oldestNode = [20, 19] as const;

/** `stampede doctor`: exit code 1 when something is missing that training needs. */
export async function doctor(host: Host, options: { readonly json?: boolean }): Promise<ExitCode> {
  const home = homeFolder(host);
  const checks = [
    checkNode(process.versions.node),
    ...(await Promise.all([checkStoreFolder(home), checkEngines(), checkDisk(home)])),
    checkCores(),
    checkMemory(),
  ];
  const lines = options.json === true ? checks.map((check) => JSON.stringify(check)) : describe(checks, host);
  host.stdout.write(`${lines.join("\n")}\n`);
  return checks.every(({ ok }) => ok) ? exitCode.done : exitCode.failed;
}

function describe(checks: readonly Check[], host: Host): string[] {
  const colors = colorsFor(host.stdout, host.env);
  const width = Math.max(...checks.map(({ check }) => check.length));
  const lines = checks.flatMap(({ check, ok, found, remedy }) => [
    `${ok ? colors.green("ok     ") : colors.red("MISSING")}  ${check.padEnd(width)}  ${found}`,
    ...(ok || remedy === undefined ? [] : [`${" ".repeat(11 + width)}what to do: ${remedy}`]),
  ]);
  const missing = checks.filter(({ ok }) => !ok).length;
  return [...lines, missing === 0 ? "Ready to train." : `${counted(missing, "thing")} missing.`];
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

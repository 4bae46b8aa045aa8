import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import * as z from "zod";
import { configFile, platform, root, workFolder } from "./paths.js";

/** Brings SST's sources and the SDKs of its providers, from npm alone, unless they are there. */
export async function installPlatform(): Promise<void> {
  if (!isInstalled()) await install();
}

const Lock = z.array(z.object({ name: z.string(), version: z.string() }));
const Manifest = z.object({ version: z.string() });

/** By the same `sst`, with the providers that the configuration names. */
function isInstalled(): boolean {
  const lockFile = join(workFolder, "provider-lock.json");
  if (!existsSync(lockFile) || !existsSync(join(platform, "node_modules/@pulumi/pulumi"))) return false;
  const { version } = Manifest.parse(readJson(join(root, "node_modules/sst/package.json")));
  if (readFileSync(join(platform, "version"), "utf8").trim() !== version) return false;
  const config = readFileSync(configFile, "utf8");
  return Lock.parse(readJson(lockFile)).every((provider) => config.includes(`"${provider.version}"`));
}

/**
 * Neither Pulumi's engine nor its plugins, which come from elsewhere, and no program of any package. The command itself is called,
 * because npx would hand it the settings of this repository's npm.
 */
async function install(): Promise<void> {
  const env = {
    ...process.env,
    SST_SKIP_DEPENDENCY_CHECK: "1",
    SST_NO_BUN: "1",
    SST_TELEMETRY_DISABLED: "1",
    npm_config_ignore_scripts: "true",
    npm_config_strict_allow_scripts: "false",
    npm_config_audit: "false",
  };
  const words = ["install", "--stage", "ci", "--print-logs"];
  const command = promisify(execFile)(join(root, "node_modules/.bin/sst"), words, { cwd: root, env });
  command.child.stdin?.end();
  await command;
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"));
}

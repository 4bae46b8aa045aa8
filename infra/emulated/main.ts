import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { emulateAnywhere } from "./emulate.js";

/**
 * `npm run emulate`: brings up a local AWS with all of Stampede in it and says how to submit; with words after `--` it runs that
 * command of `stampede` on it and ends.
 */
const words = process.argv.slice(2);
// Of the SDK, about the Node.js that it will need some day.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";
const emulation = await emulateAnywhere((line) => void process.stderr.write(`${line}\n`));
const { userVariables } = emulation.deployment;

if (words.length > 0) {
  process.exitCode = await runCommand(words);
} else {
  process.stdout.write(howToSubmit(userVariables));
  await interrupted();
}
await emulation.stop();

async function runCommand(command: readonly string[]): Promise<number> {
  const cli = join(import.meta.dirname, "../../node_modules/.bin/stampede");
  const child = spawn(cli, command, { stdio: "inherit", env: { ...process.env, ...userVariables } });
  // The terminal sends it to both: the command says what it means.
  const ignore = (): void => undefined;
  process.on("SIGINT", ignore).on("SIGTERM", ignore);
  await once(child, "exit");
  return child.exitCode ?? 1;
}

function howToSubmit(variables: Readonly<Record<string, string>>): string {
  const exports = Object.entries(variables).map(([name, value]) => `export ${name}=${value}`);
  return [
    "",
    "Stampede runs on an emulated AWS. In another terminal:",
    "",
    ...exports.map((line) => `  ${line}`),
    "  npx stampede train packages/examples/mnist/job.yaml",
    "",
    "The HTTP API answers at STAMPEDE_URL whoever has a token:",
    "",
    "  npx stampede tokens create --name me --scope submit",
    "",
    "Ctrl-C ends it, and forgets everything.",
    "",
  ].join("\n");
}

async function interrupted(): Promise<void> {
  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
}

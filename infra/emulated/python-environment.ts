import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Where emulators are installed: inside `node_modules`, so that a clean clone has none and git sees none. */
const cacheFolder = join(import.meta.dirname, "../../node_modules/.cache/stampede");

export interface PythonEnvironment {
  /** Names the folder; carries the version. */
  readonly name: string;
  /** The interpreter, as found on PATH. @default "python3" */
  readonly python?: string;
  /** Arguments of `pip install`. */
  readonly install: readonly string[];
}

/**
 * Installs packages from PyPI into a virtual environment of their own, once. Two processes that do so at the same time are not
 * expected.
 *
 * @returns the folder of its commands
 * @throws Error when Python is missing or PyPI does not answer: with what was run and what it said
 */
export async function preparePython({ name, python = "python3", install }: PythonEnvironment): Promise<string> {
  const folder = join(cacheFolder, name);
  const finished = join(folder, "installed");
  const commands = join(folder, "bin");
  if (existsSync(finished)) return commands;
  // Left over by one that was interrupted.
  await rm(folder, { recursive: true, force: true });
  await mkdir(cacheFolder, { recursive: true });
  await runOrExplain(python, ["-m", "venv", folder]);
  await runOrExplain(join(commands, "pip"), ["install", "--quiet", "--disable-pip-version-check", ...install]);
  await writeFile(finished, "");
  return commands;
}

async function runOrExplain(command: string, args: readonly string[]): Promise<void> {
  try {
    await run(command, args, { maxBuffer: 16 * 2 ** 20 });
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    const message = `Expected \`${command} ${args.join(" ")}\` to work, so that the emulator can be installed. It said: ${said}`;
    throw new Error(message, { cause: error });
  }
}

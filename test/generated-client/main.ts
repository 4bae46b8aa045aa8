import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { Served } from "../e2e/support/served.js";
import { program } from "./program.js";

/** Pinned. The generator wants the compiler's interface of TypeScript 5; the client is 6 KB around `fetch`. All are MIT or Apache-2.0. */
const packages = ["openapi-typescript@7.13.0", "typescript@5.9.3", "openapi-fetch@0.17.0"] as const;
const folder = join(import.meta.dirname, "../../node_modules/.cache/stampede/generated-client-1");
const settings = { strict: true, module: "nodenext", target: "es2022", noEmit: true, skipLibCheck: true, types: [] };

/**
 * `npm run generated-client`: a client of the HTTP API is made from the OpenAPI document that `stampede serve` serves, a program is compiled
 * against its types, and trains. What the document does not say, or says wrong, does not compile, or fails. Needs the npm registry the first
 * time. https://openapi-ts.dev
 */
await install();
const work = join(folder, `work-${process.pid}`);
await mkdir(work);
const served = await Served.start(join(work, "store"));
try {
  // A field with a default may be left out of a request.
  const leaveOut = "--default-non-nullable=false";
  await run("openapi-typescript", [`${served.url}/openapi.json`, "--output", "schema.d.ts", leaveOut]);
  await writeFile(
    join(work, "program.ts"),
    `declare const process: { argv: string[] };\ndeclare const console: { log(...what: unknown[]): void };\n${program}`,
  );
  await writeFile(join(work, "package.json"), JSON.stringify({ type: "module" }));
  const compilerOptions = { ...settings, lib: ["es2022", "dom"] };
  await writeFile(join(work, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["program.ts"] }));
  await run("tsc", ["--project", "tsconfig.json"]);
  const tsx = join(import.meta.dirname, "../../node_modules/.bin/tsx");
  process.stdout.write(await runProgram(tsx, ["program.ts", served.url, served.token ?? ""]));
} finally {
  await served.end();
  await rm(work, { recursive: true });
}

async function install(): Promise<void> {
  if (existsSync(join(folder, "node_modules/openapi-fetch"))) return;
  await mkdir(folder, { recursive: true });
  const words = ["install", "--prefix", folder, "--no-save", "--ignore-scripts", ...packages];
  await promisify(execFile)("npm", words);
}

function run(command: string, words: readonly string[]): Promise<string> {
  return runProgram(join(folder, "node_modules/.bin", command), words);
}

async function runProgram(path: string, words: readonly string[]): Promise<string> {
  try {
    return (await promisify(execFile)(path, words, { cwd: work })).stdout;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { readonly stdout?: string; readonly stderr?: string };
    throw new Error(`${path} failed:\n${stdout}${stderr}`, { cause: error });
  }
}

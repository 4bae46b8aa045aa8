import { build } from "esbuild";
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import * as z from "zod";
import { functionNames } from "./resources.js";

/** What is deployed: the functions, and the program of the Batch container. */
export const bundleNames = [...functionNames, "batch"] as const;
export type BundleName = (typeof bundleNames)[number];

const root = join(import.meta.dirname, "..");
const require = createRequire(import.meta.url);

/** Which of them compute: they get onnxruntime and TensorFlow.js beside their own code. */
const computing: ReadonlySet<BundleName> = new Set<BundleName>(["driver", "executor", "batch"]);

/** Which of them read data sets: they get those that come with Stampede. */
const reading: ReadonlySet<BundleName> = new Set<BundleName>(["driver", "sharder"]);

/** TensorFlow.js is loaded with `require` and by some jobs only: each package becomes one file, and all use the same core. */
const tfjs = [
  "@tensorflow/tfjs-core",
  "@tensorflow/tfjs-layers",
  "@tensorflow/tfjs-backend-cpu",
  "@tensorflow/tfjs-backend-wasm",
] as const;

/** Functions run on nodejs22.x; everything is tested with the oldest supported Node.js too. */
const target = "node20";

/**
 * Builds one function into a folder, as it is deployed: ES modules in one file and its chunks, and packages with native code or
 * loaded by name in `node_modules`. Nothing of the repository is needed at run time.
 *
 * @param folder is emptied first
 */
export async function bundle(name: BundleName, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const entryPoints: Record<string, string> = { index: join(root, `functions/src/${name}.ts`) };
  if (name === "driver") {
    // A thread of its own, started by the address of the module.
    entryPoints["dry-run-worker"] = join(root, "packages/runtime/dist/engine/dry-run-worker.js");
  }
  await build({
    entryPoints,
    outdir: folder,
    bundle: true,
    splitting: true,
    chunkNames: "[name]-[hash]",
    format: "esm",
    platform: "node",
    target,
    define: { "process.env.STAMPEDE_VERSION": JSON.stringify(await readVersion()) },
    // Names stay as they are: stacks are readable, and the SDK asks its logger for the name of its class. With names made short and
    // `keepNames` the file is a third smaller, and takes 20 ms more to load: each function is given its name back.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "none",
    // Packages that are written as CommonJS ask for Node's own modules.
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
    logLevel: "error",
  });
  await writeFile(join(folder, "package.json"), `${JSON.stringify({ type: "module" })}\n`);
  if (reading.has(name)) await addDatasets(join(folder, "node_modules"));
  if (!computing.has(name)) return;
  await addOnnxruntime(join(folder, "node_modules"));
  for (const each of tfjs) await addAsOneFile(each, join(folder, "node_modules"));
}

async function readVersion(): Promise<string> {
  const description: unknown = JSON.parse(await readFile(join(root, "functions/package.json"), "utf8"));
  return z.object({ version: z.string() }).parse(description).version;
}

/** They are found by the name of their package. */
async function addDatasets(modules: string): Promise<void> {
  const into = join(modules, "@stampede/data");
  await cp(join(root, "packages/data/assets"), join(into, "assets"), { recursive: true });
  await cp(join(root, "packages/data/package.json"), join(into, "package.json"));
}

/** Only what Linux on x64 loads: the package holds five platforms, over the limit of 250 MB. */
async function addOnnxruntime(modules: string): Promise<void> {
  const source = dirname(require.resolve("onnxruntime-node/package.json"));
  const into = join(modules, "onnxruntime-node");
  const binaries = "bin/napi-v6/linux/x64";
  await cp(join(source, binaries), join(into, binaries), { recursive: true });
  await addAsOneFile("onnxruntime-common", modules);
  await mkdir(join(into, "dist"), { recursive: true });
  for (const file of ["package.json", "dist/index.js", "dist/backend.js", "dist/binding.js", "dist/version.js"]) {
    await cp(join(source, file), join(into, file));
  }
}

async function addAsOneFile(name: string, modules: string): Promise<void> {
  const entry = require.resolve(name);
  const into = join(modules, name);
  await build({
    entryPoints: [entry],
    outfile: join(into, "index.js"),
    bundle: true,
    format: "cjs",
    platform: "node",
    target,
    minify: true,
    legalComments: "none",
    external: tfjs.filter((other) => other !== name),
    logLevel: "error",
  });
  await writeFile(join(into, "package.json"), `${JSON.stringify({ name, main: "index.js", type: "commonjs" })}\n`);
  // WebAssembly is read from beside the code.
  for (const file of await readdir(dirname(entry))) {
    if (file.endsWith(".wasm")) await cp(join(dirname(entry), file), join(into, file));
  }
}

/** Bytes of all files of a bundle together: what AWS compares with its limit for unpacked code. */
export async function bundleBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size);
  return (await Promise.all(sizes)).reduce((sum, bytes) => sum + bytes, 0);
}

import { readFile, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { extname, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { ModelSource } from "@stampede/client";
import { StampedeError } from "@stampede/core";
import { printable } from "../present/text.js";

type Model = Awaited<ReturnType<Extract<ModelSource, { type: "built" }>["build"]>>;

const typescript = new Set([".ts", ".mts", ".cts"]);
const javascript = new Set([".js", ".mjs", ".cjs"]);

/**
 * The model that a job file names. A module is run by `build()` and not before: the client seeds the initial weights
 * around that call, also for a module whose default export is a model that is ready.
 * @throws StampedeError `model.not-readable`; `build()` also rejects with `model.invalid`
 */
export async function modelSource(model: string, baseFolder: string): Promise<ModelSource> {
  const path = resolve(baseFolder, model);
  const ending = extname(path).toLowerCase();
  if (ending !== ".json" && !typescript.has(ending) && !javascript.has(ending)) {
    throw notReadable(model, `a file that ends in ${JSON.stringify(ending)}`);
  }
  const facts = await stat(path).catch((error: unknown) => {
    throw notReadable(model, `no such file (${path})`, error);
  });
  if (!facts.isFile()) throw notReadable(model, `no regular file (${path})`);
  if (ending === ".json") return { type: "file", path };
  return { type: "built", build: () => buildModel(path, model) };
}

type Load = (path: string) => Promise<unknown>;

async function buildModel(path: string, name: string): Promise<Model> {
  if (!typescript.has(extname(path).toLowerCase())) return buildWith(importModule, path, name);
  return (await buildAsCommonjs(path, name)) ?? buildAsEsm(path, name);
}

/**
 * TypeScript is read as CommonJS first, which takes half a second less: tsx' hook for ESM starts a thread of its own, and an ESM
 * import of tfjs makes Node scan all of its source for names. Either way the user's tfjs and ours are the same.
 * @returns undefined where only ESM can load the module
 */
async function buildAsCommonjs(path: string, name: string): Promise<Model | undefined> {
  // Modules that are imported while the model is built would not go through the hook, and Node remembers the failure.
  if (/\bimport\s*\(/.test(await readFile(path, "utf8"))) return undefined;
  const { register } = await import("tsx/cjs/api");
  const unregister = register();
  try {
    return await buildWith(requireModule, path, name);
  } catch (error) {
    if (onlyEsmCan(error)) return undefined;
    throw error;
  } finally {
    unregister();
  }
}

async function buildAsEsm(path: string, name: string): Promise<Model> {
  const stop = await transpile();
  try {
    return await buildWith(importModule, path, name);
  } finally {
    await stop();
  }
}

async function buildWith(load: Load, path: string, name: string): Promise<Model> {
  const exported = defaultExport(await loadUserModule(load, path, name));
  const made: unknown = typeof exported === "function" ? await callBuilder(exported, path, name) : exported;
  if (isModel(made)) return made;
  const found = exported === undefined ? "no default export" : describe(made, typeof exported === "function");
  throw new StampedeError(
    "model.invalid",
    `Expected the default export of ${name} to be a LayersModel or a function that returns one, found ${found}. Nothing was started.`,
    { details: { file: path } },
  );
}

const importModule: Load = (path) => import(pathToFileURL(path).href);
const require = createRequire(import.meta.url);
const requireModule: Load = async (path): Promise<unknown> => require(path);

/** `await` outside of functions, in the module or in a package that it imports. */
function onlyEsmCan(error: unknown): boolean {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : undefined;
  if (cause === undefined) return false;
  const code = "code" in cause ? cause.code : undefined;
  return code === "ERR_REQUIRE_ESM" || code === "ERR_REQUIRE_ASYNC_MODULE" || cause.message.includes("Top-level await");
}

/**
 * Lets `import` read TypeScript until the returned function is called. Both of tsx' hooks are needed: a folder without
 * `"type": "module"` makes its modules CommonJS. Without a namespace, so that the user's tfjs and ours are the same.
 */
async function transpile(): Promise<() => Promise<void>> {
  const [esm, commonjs] = await Promise.all([import("tsx/esm/api"), import("tsx/cjs/api")]);
  const unregisterCommonjs = commonjs.register();
  const unregisterEsm = esm.register();
  return async () => {
    unregisterCommonjs();
    await unregisterEsm();
  };
}

async function loadUserModule(load: Load, path: string, name: string): Promise<unknown> {
  try {
    return await load(path);
  } catch (error) {
    throw notReadable(name, `an error: ${blame(error, path)}`, error);
  }
}

// oxlint-disable-next-line typescript/no-unsafe-function-type -- whatever the module exports is called without arguments
async function callBuilder(builder: Function, path: string, name: string): Promise<unknown> {
  try {
    return await Reflect.apply(builder, undefined, []);
  } catch (error) {
    throw notReadable(name, `an error in its default export: ${blame(error, path)}`, error);
  }
}

/** CommonJS that was ESM keeps its default export one level further down. */
function defaultExport(module: unknown): unknown {
  const outer = property(module, "default");
  return property(outer, "__esModule") === true || isInterop(outer) ? property(outer, "default") : outer;
}

function isInterop(value: unknown): boolean {
  return typeof value === "object" && value !== null && !isModel(value) && "default" in value;
}

function property(value: unknown, name: string): unknown {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return undefined;
  return Reflect.get(value, name);
}

/** By shape: a model of another copy of tfjs is a model all the same. */
function isModel(value: unknown): value is Model {
  return (
    Array.isArray(property(value, "layers")) &&
    typeof property(value, "getWeights") === "function" &&
    typeof property(value, "predict") === "function"
  );
}

function describe(value: unknown, returned: boolean): string {
  const kind = value === null ? "null" : Array.isArray(value) ? "an array" : `a value of type ${typeof value}`;
  return returned ? `a function that returned ${value === undefined ? "nothing" : kind}` : kind;
}

function notReadable(model: string, found: string, cause?: unknown): StampedeError {
  return new StampedeError(
    "model.not-readable",
    `Expected \`model\` to name a module (.ts, .mts, .js, .mjs) or a model.json, found ${printable(model)}: ${found}. Nothing was started.`,
    { details: { model }, cause },
  );
}

/** The error's message and the first line of its stack that lies in the user's code. */
function blame(error: unknown, path: string): string {
  if (!(error instanceof Error)) return printable(String(error));
  const message = printable(error.message).trim();
  const frame = (error.stack ?? "").split("\n").find((line) => /^\s+at /.test(line) && isUsers(line, path));
  return frame === undefined ? message : `${message} (${frame.trim()})`;
}

function isUsers(line: string, path: string): boolean {
  const file = /\(?((?:file:\/\/)?[^\s()]+?)(?:\?[^:\s]*)?:\d+:\d+\)?$/.exec(line)?.[1];
  if (file === undefined) return false;
  const plain = file.startsWith("file://") ? fileURLToPath(file) : file;
  return plain === path || (plain.startsWith(resolve(path, "..") + sep) && !plain.includes(`${sep}node_modules${sep}`));
}

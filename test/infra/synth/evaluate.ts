import { build, type Plugin } from "esbuild";
import { readFileSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { platform, root, workFolder } from "./paths.js";

/** The `sst` command evaluates `sst.config.ts` twice: for what the app is, and for its resources. */

export interface App {
  readonly name: string;
  readonly stage: string;
  readonly home: string;
  readonly removal: "remove" | "retain" | "retain-all";
  readonly protect: boolean;
  readonly providers: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

interface Input extends Partial<Omit<App, "providers">> {
  readonly providers?: Readonly<Record<string, string | Readonly<Record<string, unknown>>>>;
}

/** Names that bundled packages of the older kind expect. */
const commonJs = [
  'import { createRequire as __createRequire } from "node:module";',
  'import { fileURLToPath as __toPath } from "node:url";',
  "const require = __createRequire(import.meta.url), __filename = __toPath(import.meta.url);",
  'const __dirname = __toPath(new URL(".", import.meta.url));',
  "",
].join("\n");

const external = [
  "@pulumi/*",
  "@pulumiverse/*",
  "@sst-provider/*",
  "@aws-sdk/*",
  "undici",
  "esbuild",
  "archiver",
  "glob",
  "vite",
];

interface Evaluation {
  readonly name: string;
  readonly code: string;
  readonly banner?: string;
  readonly define?: Record<string, string>;
  readonly inject?: string[];
  readonly plugin: Plugin;
}

/** What `app()` says, with what SST adds to it. */
export async function evaluateApp(configFile: string, stage: string): Promise<App> {
  const code = `import mod from ${JSON.stringify(configFile)}; export default await mod.app(${JSON.stringify({ stage })});`;
  const banner = "function $config(input) { return input }";
  const input = (await evaluate({
    name: `app-${stage}`,
    code,
    banner,
    plugin: noTopLevelImports(configFile),
  })) as Input;
  const providers = Object.entries(input.providers ?? {}).map(
    ([name, settings]) => [name, typeof settings === "string" ? { version: settings } : settings] as const,
  );
  const { name = "", home = "", removal = "retain", protect = false } = input;
  return { name, stage, home, removal, protect, providers: { [home]: {}, ...Object.fromEntries(providers) } };
}

/** Evaluates `run()`, which registers every resource with Pulumi's monitor. Resolves with its outputs. */
export function evaluateRun(configFile: string, app: App, scratch: string): Promise<unknown> {
  const paths = { home: join(scratch, "home"), root, work: scratch, platform };
  const cli = { command: "deploy", dev: false, paths, state: { version: {} } };
  const code = [
    `import { run } from ${JSON.stringify(join(platform, "src/auto/run.ts"))};`,
    `import mod from ${JSON.stringify(configFile)};`,
    "export default await run(mod.run);",
  ].join("\n");
  const define = { $app: JSON.stringify(app), $cli: JSON.stringify(cli), $dev: "false" };
  const inject = [join(platform, "src/shim/run.js")];
  return evaluate({ name: `run-${app.stage}`, code, define, inject, plugin: globalsInFront(globals()) });
}

/** The file lies in the platform's folder: there `@pulumi/*` is one instance for all. */
async function evaluate({ name, code, banner = "", define, inject, plugin }: Evaluation): Promise<unknown> {
  const outfile = join(platform, `sst.config.${name}.${process.pid}.mjs`);
  process.once("exit", () => rmSync(outfile, { force: true }));
  await build({
    stdin: { contents: code, resolveDir: root, sourcefile: "eval.ts", loader: "ts" },
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    mainFields: ["module", "main"],
    nodePaths: [join(platform, "node_modules")],
    external,
    banner: { js: commonJs + banner },
    ...(define && { define }),
    ...(inject && { inject }),
    plugins: [plugin],
    logLevel: "error",
  });
  const module = (await import(pathToFileURL(outfile).href)) as { readonly default: unknown };
  return module.default;
}

/** The `sst` command refuses them: providers are known only after `app()`. */
function noTopLevelImports(configFile: string): Plugin {
  return {
    name: "no-top-level-imports",
    setup(hooks) {
      hooks.onResolve({ filter: /.*/ }, ({ importer, kind }) => {
        if (importer !== configFile || kind !== "import-statement") return undefined;
        return { errors: [{ text: "sst.config.ts has a top-level import; use `await import()` in run()" }] };
      });
    },
  };
}

/** `aws`, `sst` and others are in every file of ours without an import. */
function globalsInFront(text: string): Plugin {
  return {
    name: "globals-in-front",
    setup(hooks) {
      hooks.onLoad({ filter: /\.(js|ts|jsx|tsx)$/ }, async ({ path }) => {
        if (path.startsWith(workFolder)) return undefined;
        const loader = extname(path).slice(1) as "js" | "ts" | "jsx" | "tsx";
        return { contents: `${text}\n${await readFile(path, "utf8")}`, loader };
      });
    },
  };
}

function globals(): string {
  const lock = JSON.parse(readFileSync(join(workFolder, "provider-lock.json"), "utf8")) as readonly {
    readonly alias: string;
    readonly package: string;
  }[];
  const providers = lock.map((entry) => `import * as ${entry.alias} from ${JSON.stringify(entry.package)};`);
  return [...providers, `import * as sst from ${JSON.stringify(join(platform, "src/components"))};`].join("\n");
}

import type { Command } from "commander";
import { clusterOption, examples, isolationOption, jsonOption, type Choose } from "./command-options.js";
import type { ServeOptions } from "./commands/serve.js";
import type { CreateOptions, TokensOptions } from "./commands/tokens.js";
import type { Host } from "./host.js";

export function addServe(program: Command, host: Host, choose: Choose): void {
  program
    .command("serve")
    .description("Serve the HTTP API on this machine: jobs are submitted to it, and run here")
    .option("--port <n>", "the port; 0 takes any that is free", "4747")
    .option("--host <address>", "the address to listen on", "127.0.0.1")
    .option(
      "--store <folder>",
      "where jobs and data live (default: STAMPEDE_HOME, else .stampede in the current folder)",
    )
    .option("--token-file <file>", "where the first token is written to, for its owner alone, instead of being shown")
    .option("--executors <n>", "executors at the same time (default: the number of cores)")
    .option("--jobs <n>", "jobs that are prepared or run at the same time", "2")
    .option("--requests-per-second <n>", "what one token may ask for", "100")
    .option("--max-upload-mb <n>", "the largest file that may be uploaded, in MiB", "16384")
    .option("--allow-origin <origin>", "a web page that may use the API from a browser; may be repeated", collect, [])
    .addOption(isolationOption())
    .option(...jsonOption)
    .addHelpText("after", examples("stampede serve", "stampede serve --port 8080 --store /var/lib/stampede"))
    .action((options: ServeOptions) => choose(async () => (await import("./commands/serve.js")).serve(host, options)));
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

export function addTokens(program: Command, host: Host, choose: Choose): void {
  const tokens = program.command("tokens").description("Tokens of the HTTP API, in the store that it serves");
  const load = () => import("./commands/tokens.js");
  tokens
    .command("create")
    .description("Make a token, and show it once")
    .requiredOption("--name <name>", "who or what uses it")
    .option("--scope <read|submit|admin>", "what it may do; each may what those before it may", "submit")
    .option("--days <n>", "after so many days it is good no longer (default: never)")
    .addOption(clusterOption("whose API"))
    .option(
      "--store <folder>",
      "the folder that is served (default: STAMPEDE_HOME, else .stampede in the current folder)",
    )
    .option(...jsonOption)
    .addHelpText("after", examples("stampede tokens create --name laptop --scope submit --days 90"))
    .action((options: CreateOptions) => choose(async () => (await load()).createToken(host, options)));
  tokens
    .command("list")
    .description("The tokens: ids, names, scopes; none of them can be shown again")
    .addOption(clusterOption("whose API"))
    .option("--store <folder>", "the folder that is served")
    .option(...jsonOption)
    .action((options: TokensOptions) => choose(async () => (await load()).listTokens(host, options)));
  tokens
    .command("revoke")
    .description("Make a token worthless, from the next request on")
    .argument("<id>", "the token's id, as `stampede tokens list` shows it")
    .addOption(clusterOption("whose API"))
    .option("--store <folder>", "the folder that is served")
    .option(...jsonOption)
    .action((id: string, options: TokensOptions) => choose(async () => (await load()).revokeToken(host, id, options)));
}

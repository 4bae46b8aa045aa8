import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { SubmitJob } from "@stampede/api/contract";
import { DatasetSpec, JobEvent, JobFile } from "@stampede/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { repositoryFiles } from "../check/repository-files.js";
import { Served } from "../e2e/support/served.js";
import { blocksOf, type Block } from "./blocks.js";
import { commandLines, unknownIn } from "./command-lines.js";
import { DocsFolder } from "./folder.js";

const root = join(import.meta.dirname, "../..");
const documents = repositoryFiles(root).filter((path) => path.endsWith(".md"));
const read = documents.map((path) => blocksOf(path, readFileSync(join(root, path), "utf8")));
const blocks = read.flatMap((document) => document.blocks);
const where = ({ document, line, language, check }: Block): string => `${document}:${line} (${language} ${check})`;

const Manifest = z.looseObject({ scripts: z.record(z.string(), z.string()) });
const manifest = Manifest.parse(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));
const scripts: ReadonlySet<string> = new Set(Object.keys(manifest.scripts));
const execute = promisify(execFile);

let folder: DocsFolder;
beforeAll(() => {
  folder = new DocsFolder(root, blocks);
});
afterAll(() => {
  folder.remove();
});

test("every code block says how it is checked", () => {
  expect(read.flatMap((document) => document.problems)).toEqual([]);
});

test("programs type-check", async () => {
  await folder.typeCheck();
});

const parsed = blocks.filter((block) => block.language === "yaml" || block.language === "json");
describe.runIf(parsed.length > 0)("data of", () => {
  test.each(parsed.map((block) => [where(block), block] as const))("%s parses", (_, block) => {
    const schema = { job: JobFile, submit: SubmitJob, data: DatasetSpec, events: z.array(JobEvent) }[schemaOf(block)];
    const result = schema.safeParse(valueOf(block));
    expect(result.error?.issues ?? []).toEqual([]);
  });
});

const quoted = blocks.filter((block) => block.language === "sh" && block.check === "no-run");
describe.runIf(quoted.length > 0)("commands of", () => {
  const programs = { stampede: "packages/cli/bin/stampede.js", sst: "node_modules/sst/bin/sst.mjs" } as const;
  // What is not there is not fetched for a text of help, and nobody is told of it.
  const env = { ...process.env, SST_SKIP_DEPENDENCY_CHECK: "1", SST_TELEMETRY_DISABLED: "1" };
  const askFor = async (program: keyof typeof programs, words: readonly string[]): Promise<string> => {
    const running = execute(process.execPath, [join(root, programs[program]), ...words, "--help"], { env });
    // With its help, sst exits with 1.
    const { stdout } = await running.catch((failed: { readonly stdout: string }) => failed);
    return stdout;
  };
  // The same commands stand in many documents.
  const asked = new Map<string, Promise<string>>();
  const helpOf = (program: keyof typeof programs, words: readonly string[]): Promise<string> => {
    const command = [program, ...words].join(" ");
    const help = asked.get(command) ?? askFor(program, words);
    asked.set(command, help);
    return help;
  };
  test.each(quoted.map((block) => [where(block), block] as const))("%s exist", async (_, block) => {
    const unknown = await Promise.all(commandLines(block.text).map((line) => unknownIn(line, { scripts, helpOf })));
    expect(unknown.filter((problem) => problem !== undefined)).toEqual([]);
  });
});

const runs = blocks.filter((block) => block.check === "run");
describe.runIf(runs.length > 0)("program of", () => {
  test.each(runs.map((block) => [where(block), block] as const))(
    "%s ends well",
    { timeout: 130_000 },
    async (_, block) => {
      await folder.run(block);
    },
  );
});

const served = blocks.filter((block) => block.check === "served");
describe.runIf(served.length > 0)("beside stampede serve, program of", () => {
  let server: Served;
  beforeAll(async () => {
    server = await Served.start(join(folder.path, "served"));
  });
  afterAll(() => server.end());

  test.each(served.map((block) => [where(block), block] as const))(
    "%s ends well",
    { timeout: 130_000 },
    async (_, block) => {
      await folder.run(block, { STAMPEDE_URL: server.url, STAMPEDE_TOKEN: server.token ?? "" });
    },
  );
});

function schemaOf({ check }: Block): "job" | "submit" | "data" | "events" {
  return check === "data" || check === "events" || check === "submit" ? check : "job";
}

function valueOf(block: Block): unknown {
  if (block.language === "yaml") return parse(block.text);
  if (block.check !== "events") return JSON.parse(block.text);
  return block.text.split("\n").map((line): unknown => JSON.parse(line));
}

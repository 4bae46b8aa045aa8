import { describe, expect, test } from "vitest";
import { commandLines, unknownIn, type KnownCommands } from "../../docs/command-lines.js";

const help: Readonly<Record<string, string>> = {
  "jobs list": "Usage: stampede jobs list [options]\n\nOptions:\n  --json  lines\n",
  train:
    "Usage: stampede train [options] <job.yaml>\n\nOptions:\n  --set <path=value>  override\n  -o, --out <folder>\n",
};
function sstHelp([name = ""]: readonly string[]): string {
  return name === "deploy"
    ? "Usage: sst deploy\n\nFlags:\n  --stage  The stage\n"
    : "Usage: sst\n\nCommands:\n  sst deploy\n";
}
const known: KnownCommands = {
  scripts: new Set(["start", "bench"]),
  helpOf: (program, words) =>
    Promise.resolve(
      program === "sst"
        ? sstHelp(words)
        : (help[words.join(" ")] ?? "Usage: stampede jobs [options] [command]\n\nCommands:\n  list\n"),
    ),
};

async function unknown(text: string): Promise<readonly (string | undefined)[]> {
  return Promise.all(commandLines(text).map((line) => unknownIn(line, known)));
}

describe("a command that exists", () => {
  test.each([
    "npm ci && npm start",
    "npm run bench -- elephas   # with Spark",
    "# nothing but a comment",
    "npx stampede train job.yaml --set training.executors=4 --out=folder",
    "stampede jobs list",
    "npx sst deploy --stage me",
    "export AWS_PROFILE=me",
  ])("passes: %s", async (text) => {
    expect((await unknown(text)).filter((problem) => problem !== undefined)).toEqual([]);
  });
});

describe("a command that does not exist", () => {
  test.each([
    ["npm run nothing", "package.json has no script nothing"],
    ["npm run ci", "package.json has no script ci"],
    ["stampede jobs bogus ID", "there is no command stampede jobs bogus"],
    ["stampede train job.yaml --sett a=1 --out x", "stampede train has no option --sett"],
    ["npx sst deply --stage me", "there is no command sst deply"],
    ["npx sst deploy --stag me", "sst deploy has no option --stag"],
    ["curl -O x", "expected a command of npm, stampede or sst, found curl"],
  ])("is named: %s", async (text, problem) => {
    expect(await unknown(text)).toEqual([problem]);
  });
});

import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { blocksOf, type Block } from "../../docs/blocks.js";
import { DocsFolder } from "../../docs/folder.js";

const root = join(import.meta.dirname, "../../..");
const folders: DocsFolder[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) folder.remove();
});

interface Opened {
  readonly folder: DocsFolder;
  readonly blocks: readonly Block[];
}

/** A folder for a document whose blocks are given as info string and text; the first line of text is line 2. */
function open(...blocks: readonly (readonly [info: string, text: string])[]): Opened {
  const markdown = blocks.map(([info, text]) => `\`\`\`${info}\n${text}\n\`\`\``).join("\n");
  const read = blocksOf("packages/x/README.md", markdown);
  const folder = new DocsFolder(root, read.blocks);
  folders.push(folder);
  return { folder, blocks: read.blocks };
}

async function runAll({ folder, blocks }: Opened): Promise<void> {
  for (const block of blocks.filter(({ check }) => check === "run")) await folder.run(block);
}

describe("programs", () => {
  test("that are right pass, and see the packages and the files of their document", async () => {
    const opened = open(
      ["ts no-run file=model.ts", `export const size: number = 3;`],
      [
        "ts run",
        `import { parseJobId } from "@stampede/core";
import { size } from "./model.js";
if (parseJobId("a") !== "a" || size !== 3) throw new Error("wrong");`,
      ],
    );
    await opened.folder.typeCheck();
    await runAll(opened);
  });

  test("with a wrong type are refused, with the line of the document", async () => {
    const { folder } = open(["text", "one"], ["ts no-run", `export const size: number = "three";`]);
    await expect(folder.typeCheck()).rejects.toThrow(/line-5\.ts\(5,14\): error TS2322/);
  });

  test("that throw are refused, with what they printed", async () => {
    await expect(runAll(open(["ts run", `throw new Error("told you");`]))).rejects.toThrow(/told you/);
  });
});

describe("commands", () => {
  test("run in the document's folder, with the repository's own commands and packages", async () => {
    await runAll(open(["csv file=a.csv", "1,2"], ["sh run", "grep 1,2 a.csv\ntsc --version\ntest -d packages/core"]));
  });

  test("stop at the first that fails", async () => {
    await expect(runAll(open(["sh run", "echo first; false | true; echo second"]))).rejects.toThrow(/first\n$/);
  });
});

test("the folder is removed", () => {
  const { folder } = open(["text", "x"]);
  expect(existsSync(folder.path)).toBe(true);
  folder.remove();
  expect(existsSync(folder.path)).toBe(false);
});

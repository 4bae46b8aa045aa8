import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import type { Block } from "./blocks.js";

const execute = promisify(execFile);
const timeoutMs = 120_000;

/** A temporary folder with one folder per document, in which its blocks are files and its programs run. */
export class DocsFolder {
  readonly path = mkdtempSync(join(tmpdir(), "stampede-docs-"));
  readonly #root: string;
  readonly #programs: string[] = [];

  /** @param root the repository, installed and built */
  constructor(root: string, blocks: readonly Block[]) {
    this.#root = root;
    symlinkSync(join(root, "node_modules"), join(this.path, "node_modules"));
    writeFileSync(join(this.path, "package.json"), JSON.stringify({ private: true, type: "module" }));
    for (const document of new Set(blocks.map((block) => block.document))) {
      mkdirSync(this.#at(document));
      symlinkSync(join(root, "packages"), join(this.#at(document), "packages"));
    }
    for (const block of blocks) this.#write(block);
  }

  /** Type-checks all programs together. Lines in messages are lines of the document. */
  async typeCheck(): Promise<void> {
    const config = {
      extends: join(this.#root, "tsconfig.base.json"),
      compilerOptions: { composite: false, declaration: false, declarationMap: false, noEmit: true, checkJs: true },
      files: this.#programs,
    };
    writeFileSync(join(this.path, "tsconfig.json"), JSON.stringify(config));
    await this.#run(this.path, "tsc", ["--pretty", "false"]);
  }

  /**
   * Runs a `run` or `served` block to its end. Rejects with its output when it exits with another code than 0.
   * @param env for it alone
   */
  async run(block: Block, env: Readonly<Record<string, string>> = {}): Promise<void> {
    const folder = this.#at(block.document);
    if (block.language === "sh") await this.#run(folder, "bash", ["-euo", "pipefail", "-c", block.text], env);
    // As the command tsx does it, without a process in between.
    else await this.#run(folder, process.execPath, ["--import", "tsx", nameOf(block)], env);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  #at(document: string): string {
    return join(this.path, document.replaceAll(/[/.]/g, "-"));
  }

  #write(block: Block): void {
    const path = join(this.#at(block.document), nameOf(block));
    if (!isProgram(block)) {
      if (block.file !== undefined) writeFileSync(path, `${block.text}\n`);
      return;
    }
    // The empty lines in front give every line the number that it has in the document.
    writeFileSync(path, `${"\n".repeat(block.line - 1)}${block.text}\n`);
    this.#programs.push(path);
  }

  async #run(
    cwd: string,
    command: string,
    args: readonly string[],
    more: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const path = [join(this.#root, "node_modules/.bin"), process.env.PATH ?? ""].join(delimiter);
    try {
      const env = { ...process.env, ...more, PATH: path };
      await execute(command, args, { cwd, env, timeout: timeoutMs });
    } catch (error) {
      throw new Error(`${command} failed in ${cwd}\n${outputOf(error)}`, { cause: error });
    }
  }
}

function isProgram(block: Block): boolean {
  return block.language === "ts" || block.language === "js";
}

function nameOf(block: Block): string {
  return block.file ?? `line-${block.line}.${block.language}`;
}

function outputOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
  return `${stdout}${stderr}` === "" ? error.message : `${stdout}${stderr}`;
}

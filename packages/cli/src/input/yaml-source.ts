import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { StampedeError, type ErrorCode } from "@stampede/core";
import { isMap, isNode, isScalar, isSeq, Lexer, LineCounter, parseDocument, visit, type Document } from "yaml";

/** A file of settings is written by hand; more than this is another file given by mistake. */
const maxBytes = 1_048_576;
/** Aliases multiply when they are nested: a few hundred bytes can stand for gigabytes. */
const maxAliasCount = 100;
/** The parser calls itself for every level, and compares every key of a map with every other. */
const maxNesting = 200;
const maxLexemes = 100_000;

type Path = readonly PropertyKey[];

/** A YAML file, its values, and where in the file each of them stands. */
export interface YamlSource {
  /** The path as the user gave it: it goes into messages. */
  readonly name: string;
  readonly value: unknown;
  /** `line:column` (from 1) of the value at `path`, or of the nearest one around it that the file has. */
  readonly positionOf: (path: Path) => string;
}

/**
 * Reads a YAML file of at most 1 MiB.
 * @throws StampedeError `job-file.not-readable`, `job-file.syntax` (with line and column), `job-file.invalid`
 */
export async function readYaml(path: string, name: string): Promise<YamlSource> {
  return parseYaml(await readText(path, name), name);
}

export function parseYaml(source: string, name: string): YamlSource {
  refuseExcess(source, name);
  const lines = new LineCounter();
  const document = guarded(name, () =>
    parseDocument(source, { lineCounter: lines, prettyErrors: false, strict: true, uniqueKeys: true }),
  );
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) throw syntax(name, at(lines, problem.pos[0]), problem.message);
  const positionOf = (path: Path): string => at(lines, offsetOf(document, path));
  refuseTraps(document, name, lines);
  return { name, value: guarded(name, (): unknown => document.toJS({ maxAliasCount })), positionOf };
}

function refuseExcess(source: string, name: string): void {
  let lexemes = 0;
  let flow = 0;
  let compact = 0;
  for (const lexeme of new Lexer().lex(source)) {
    if (lexeme === "[" || lexeme === "{") flow += 1;
    else if (lexeme === "]" || lexeme === "}") flow -= 1;
    // "- - - x": a list in a list in a list, on one line.
    if (lexeme === "-" || lexeme === "?" || lexeme === ":") compact += 1;
    else if (lexeme.trim() !== "") compact = 0;
    lexemes += 1;
    if (flow + compact > maxNesting) throw syntax(name, "1:1", `more than ${maxNesting} levels of nesting`);
    if (lexemes > maxLexemes) throw syntax(name, "1:1", `more than ${maxLexemes} words and signs`);
  }
}

/** The parser throws where aliases multiply. */
function guarded<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw syntax(name, "1:1", error instanceof Error ? error.message : String(error), error);
  }
}

function syntax(name: string, position: string, problem: string, cause?: unknown): StampedeError {
  const found = problem.split("\n", 1)[0]?.trim().replace(/[.:]$/, "") ?? "";
  return new StampedeError(
    "job-file.syntax",
    `Expected YAML in ${name}:${position}, found: ${found}. Nothing was started.`,
    {
      details: { file: name, position },
      cause,
    },
  );
}

async function readText(path: string, name: string): Promise<string> {
  const fail = (code: ErrorCode, found: string, cause?: unknown): StampedeError =>
    new StampedeError(code, `Expected a YAML file of at most 1 MiB at ${name}, found ${found}. Nothing was started.`, {
      details: { file: name },
      cause,
    });
  let content: Buffer;
  try {
    // Opening a pipe would otherwise wait for its writer.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const facts = await file.stat();
      if (!facts.isFile()) throw fail("job-file.not-readable", facts.isDirectory() ? "a folder" : "no regular file");
      if (facts.size > maxBytes) throw fail("job-file.not-readable", `${facts.size} bytes`);
      content = await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof StampedeError) throw error;
    throw fail("job-file.not-readable", reasonOf(error), error);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(content);
  } catch (error) {
    throw syntax(name, "1:1", "bytes that are not UTF-8 text", error);
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT" || code === "ENOTDIR") return "no such file";
  if (code === "EACCES" || code === "EPERM") return "a file that may not be read";
  return error instanceof Error ? error.message : String(error);
}

/** `__proto__` is a plain key to YAML and a trap to JavaScript; no setting has such a name. An alias needs its anchor. */
function refuseTraps(document: Document.Parsed, name: string, lines: LineCounter): void {
  const anchors = new Set<string>();
  visit(document, {
    Node(_, node) {
      if ("anchor" in node && typeof node.anchor === "string") anchors.add(node.anchor);
    },
    Alias(_, alias) {
      if (anchors.has(alias.source)) return;
      throw syntax(name, at(lines, alias.range?.[0] ?? 0), `*${alias.source}, and no &${alias.source} before it`);
    },
    Pair(_, pair) {
      if (!isScalar(pair.key) || pair.key.value !== "__proto__") return;
      const position = at(lines, pair.key.range?.[0] ?? 0);
      throw new StampedeError(
        "job-file.invalid",
        `Expected the name of a setting in ${name}:${position}, found "__proto__". Nothing was started.`,
        { details: { file: name, position } },
      );
    },
  });
}

function at(lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${Math.max(1, line)}:${Math.max(1, col)}`;
}

/** Follows the path as far as the file has it. The last step leads to the key, so that an unknown name is pointed at itself. */
function offsetOf(document: Document.Parsed, path: Path): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [depth, step] of path.entries()) {
    const next = stepInto(node, step);
    if (next === undefined) break;
    const last = depth === path.length - 1;
    offset = (last ? next.keyAt : undefined) ?? startOf(next.value) ?? next.keyAt ?? offset;
    node = next.value;
  }
  return offset;
}

function stepInto(node: unknown, step: PropertyKey): { value: unknown; keyAt: number | undefined } | undefined {
  if (isSeq(node) && typeof step === "number") {
    const value = node.items[step];
    return value === undefined ? undefined : { value, keyAt: startOf(value) };
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
  return pair === undefined ? undefined : { value: pair.value, keyAt: startOf(pair.key) };
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

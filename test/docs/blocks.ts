import { fromMarkdown } from "mdast-util-from-markdown";

/**
 * How the fenced code blocks of Markdown files are kept true. The info string names the language and how the block is checked:
 *
 * | info string | checked how |
 * |---|---|
 * | `ts run`, `js run` | type-checked, then run as a program |
 * | `ts served`, `js served` | the same, beside a `stampede serve`: STAMPEDE_URL and STAMPEDE_TOKEN say where |
 * | `ts no-run`, `js no-run` | type-checked only |
 * | `sh run` | run by bash (-euo pipefail) with the commands of node_modules/.bin |
 * | `sh served` | the same, beside a `stampede serve` |
 * | `sh no-run` | lines of `npm` name a script that exists, lines of `stampede` a command and options that exist |
 * | `yaml job`, `yaml data` | parsed as a job file, as a data set (`--data`) |
 * | `json job`, `json submit`, `json events` | parsed as a job file, as the body of a job for the HTTP API, line by line as events of `--json` |
 * | `text`, `mermaid`, `csv` | output, pictures, data: not checked |
 *
 * `file=NAME` after that writes the block to a file that the other blocks of the same document find. All blocks of a document
 * share one temporary folder, in which `packages/` is the repository's. Any other block is an error.
 */
const checks = {
  ts: ["run", "served", "no-run"],
  js: ["run", "served", "no-run"],
  sh: ["run", "served", "no-run"],
  yaml: ["job", "data"],
  json: ["job", "submit", "events"],
  text: [],
  mermaid: [],
  csv: [],
} as const satisfies Readonly<Record<string, readonly string[]>>;

type Language = keyof typeof checks;
type Check = (typeof checks)[Language][number] | "none";

export interface Block {
  /** The Markdown file, relative to the repository. */
  readonly document: string;
  /** The line of the block's first line of text, 1-based. */
  readonly line: number;
  readonly language: Language;
  readonly check: Check;
  readonly file: string | undefined;
  readonly text: string;
}

export interface Blocks {
  readonly blocks: readonly Block[];
  /** Blocks that do not say how they are checked. */
  readonly problems: readonly string[];
}

type MarkdownNode = ReturnType<typeof fromMarkdown>["children"][number];
type CodeNode = Extract<MarkdownNode, { type: "code" }>;

/** Finds the fenced (and indented) code blocks of a Markdown document. */
export function blocksOf(document: string, markdown: string): Blocks {
  const read = codeNodes(fromMarkdown(markdown).children).map((node) => readBlock(document, node));
  return {
    blocks: read.filter((block) => typeof block !== "string"),
    problems: read.filter((block) => typeof block === "string"),
  };
}

function codeNodes(nodes: readonly MarkdownNode[]): readonly CodeNode[] {
  return nodes.flatMap((node) => {
    if (node.type === "code") return [node];
    return "children" in node ? codeNodes(node.children) : [];
  });
}

function readBlock(document: string, node: CodeNode): Block | string {
  const line = (node.position?.start.line ?? 0) + 1;
  const place = `${document}:${line}`;
  const language = node.lang ?? "";
  if (!isLanguage(language)) return `${place}: expected one of ${Object.keys(checks).join(", ")}, found "${language}"`;
  const words = (node.meta ?? "").split(" ").filter((word) => word !== "");
  const file = words.find((word) => word.startsWith("file="))?.slice("file=".length);
  const marks = words.filter((word) => !word.startsWith("file="));
  const block = { document, line, language, file, text: node.value };
  const known: readonly Check[] = checks[language];
  if (known.length === 0 && marks.length === 0) return { ...block, check: "none" };
  const check = known.find((name) => marks.length === 1 && marks[0] === name);
  if (check !== undefined) return { ...block, check };
  return `${place}: say how this block is checked: ${known.map((name) => `\`${language} ${name}\``).join(" or ")}`;
}

function isLanguage(text: string): text is Language {
  return Object.hasOwn(checks, text);
}

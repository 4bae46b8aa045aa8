import { describe, expect, test } from "vitest";
import { blocksOf } from "../../docs/blocks.js";

const fence = "```";
const document = (...lines: readonly string[]): string => lines.join("\n");

describe("blocks of a document", () => {
  test("have a line, a language, a check, a file and their text, also inside lists", () => {
    const markdown = document(
      "# Title",
      `${fence}ts run`,
      "const a = 1;",
      fence,
      "- item",
      "",
      `  ${fence}yaml job file=job.yaml`,
      "  name: x",
      "  list: [1]",
      `  ${fence}`,
    );
    expect(blocksOf("a.md", markdown)).toEqual({
      problems: [],
      blocks: [
        { document: "a.md", line: 3, language: "ts", check: "run", file: undefined, text: "const a = 1;" },
        { document: "a.md", line: 8, language: "yaml", check: "job", file: "job.yaml", text: "name: x\nlist: [1]" },
      ],
    });
  });

  test("of output and data need no check", () => {
    const { blocks, problems } = blocksOf(
      "a.md",
      document(`${fence}text`, "42", fence, `${fence}csv file=a.csv`, "a", fence),
    );
    expect(problems).toEqual([]);
    expect(blocks.map(({ check, file }) => [check, file])).toEqual([
      ["none", undefined],
      ["none", "a.csv"],
    ]);
  });
});

describe("a problem", () => {
  test.each([
    ["ts", "a.md:2: say how this block is checked: `ts run` or `ts served` or `ts no-run`"],
    ["ts later", "a.md:2: say how this block is checked: `ts run` or `ts served` or `ts no-run`"],
    ["ts run no-run", "a.md:2: say how this block is checked: `ts run` or `ts served` or `ts no-run`"],
    ["yaml", "a.md:2: say how this block is checked: `yaml job` or `yaml data`"],
    ["json valid", "a.md:2: say how this block is checked: `json job` or `json submit` or `json events`"],
    ["sh", "a.md:2: say how this block is checked: `sh run` or `sh served` or `sh no-run`"],
    ["bash run", `a.md:2: expected one of ts, js, sh, yaml, json, text, mermaid, csv, found "bash"`],
    ["", `a.md:2: expected one of ts, js, sh, yaml, json, text, mermaid, csv, found ""`],
  ])("is a block marked `%s`", (info, problem) => {
    expect(blocksOf("a.md", document(fence + info, "x", fence))).toEqual({ blocks: [], problems: [problem] });
  });
});

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createEngine } from "@stampede/runtime";
import { expect, it } from "vitest";
import { allCases } from "./all-cases.js";
import { usualBound } from "./case.js";
import { runCase, type CaseResult } from "./run-case.js";
import { readRows, withTable } from "./table.js";

const readme = join(import.meta.dirname, "../../packages/graph/README.md");

// WRITE_TABLE=1 writes the table anew first; figures differ a little between processors.
if (process.env["WRITE_TABLE"] === "1") {
  it("writes the table", { timeout: 600_000 }, async () => {
    await createEngine("tfjs-cpu");
    const results: CaseResult[] = [];
    for (const each of allCases) results.push(await runCase(each));
    writeFileSync(readme, withTable(readFileSync(readme, "utf8"), results));
  });
}

it("has every case in the README, each with a ratio within its bound", () => {
  const rows = readRows(readFileSync(readme, "utf8"));
  expect(rows.map((row) => row.case)).toEqual(allCases.map(({ name }) => name));
  const beyond = rows.filter(({ ratio }, index) => !(Number(ratio) <= (allCases[index]?.bound ?? usualBound)));
  expect(beyond).toEqual([]);
});

it("gives each case a name of its own", () => {
  const names = allCases.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

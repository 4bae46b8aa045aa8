import { beforeAll, describe, expect, it } from "vitest";
import { batchRules } from "./rules/batch.js";
import { functionRules } from "./rules/functions.js";
import { permissionRules } from "./rules/permissions.js";
import { queueRules } from "./rules/queues.js";
import type { Rule } from "./rules/rule.js";
import { storageRules } from "./rules/storage.js";
import { watchRules } from "./rules/watch.js";
import { wholeRules } from "./rules/whole.js";
import { readStage, stageNames, type Stage } from "./support/stages.js";

const rules: readonly Rule[] = [
  ...wholeRules,
  ...permissionRules,
  ...storageRules,
  ...queueRules,
  ...functionRules,
  ...batchRules,
  ...watchRules,
];

describe.each(stageNames)("the stage %s", (name) => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await readStage(name);
  });

  describe.each(rules.filter(({ stages = stageNames }) => stages.includes(name)))("$name", (rule) => {
    it("holds", () => {
      expect(rule.check(stage.graph, stage)).toEqual([]);
    });

    it.each(Object.keys(rule.violations))("is found violated by: %s", (violation) => {
      const violated = rule.violations[violation]?.(stage.graph) ?? stage.graph;
      expect(rule.check(violated, stage)).not.toEqual([]);
    });
  });
});

import { describe, expect, it } from "vitest";
import { emulatedArns } from "../../infra/emulated/arns.js";
import { policyOf } from "../../infra/policy.js";
import { functionNames, functions } from "../../infra/resources.js";
import { readStage, stageNames } from "./support/stages.js";
import { rolePolicies, rolePoliciesOnEmulator } from "./synth/role-policies.js";

const batch = { queue: "stampede-local", definition: "stampede-local-executor" } as const;

describe.each(stageNames)("the policies of the stage %s", (name) => {
  it("are those of the emulated deployment, under which whole jobs run", async () => {
    const { graph, settings } = await readStage(name);
    const { dataBuckets } = settings;
    const arns = emulatedArns({ dataBuckets, ...(settings.batch && { batch }) });
    const found = rolePoliciesOnEmulator(graph);
    for (const each of functionNames) {
      expect(JSON.parse(found[each])).toEqual(JSON.parse(policyOf(each, functions, arns)));
    }
  });

  it("fit into a role, and say of each statement what it is for", async () => {
    const { graph } = await readStage(name);
    for (const policy of Object.values(rolePolicies(graph))) {
      // Of all policies of one role, without white space.
      expect(policy.length).toBeLessThan(10_240);
      const { Statement } = JSON.parse(policy) as { readonly Statement: readonly { readonly Sid: string }[] };
      const names = Statement.map(({ Sid }) => Sid);
      expect(new Set(names).size).toBe(names.length);
      expect(names).toContain("Logs");
    }
  });
});

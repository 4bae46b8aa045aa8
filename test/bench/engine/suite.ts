import type { SuiteReport } from "../measure.js";
import { writeCase } from "../steps/case-files.js";
import { batchesPerCall, type CaseName } from "../steps/cases.js";
import { stepReport, type Findings } from "../steps/findings.js";
import { withFolder } from "../temporary.js";
import { coldStartFindings } from "./cold-start.js";
import { predictFindings } from "./predict.js";
import { trainFindings } from "./train.js";

export interface EngineSuiteOptions {
  readonly repeat: number;
  readonly cases: readonly CaseName[];
}

const roundsPerRepeat = 3;
const turnMs = 250;
const predicted: readonly CaseName[] = ["mlp", "cnn"];
const coldStarted: CaseName = "mlp";

/** Training steps, predictions and cold starts of all engines that are here, beside what the processor can multiply. */
export function engineSuite({ repeat, cases }: EngineSuiteOptions, tell: (text: string) => void): Promise<SuiteReport> {
  return withFolder(async (parent) => {
    const options = { rounds: roundsPerRepeat * repeat, turnMs };
    const findings: Findings[] = [];
    for (const name of cases) {
      tell(`  ${name}`);
      const folder = await writeCase(parent, name);
      findings.push(await trainFindings(name, folder, options));
      if (predicted.includes(name)) findings.push(...(await predictFindings(name, folder, options)));
      if (name === coldStarted) findings.push(await coldStartFindings(name, parent, repeat));
    }
    return stepReport("engine", cases, { ...options, batchesPerCall }, findings);
  });
}

import type { CaseName } from "../steps/cases.js";
import { figuresFrom, speedupFigures, type Findings } from "../steps/findings.js";
import { race, type Entrant, type RaceOptions } from "../steps/race.js";
import { engineParticipant, type EngineLabel } from "./participants.js";

const rowsPerCall = [1, 64] as const;
const [ours, other] = ["compiled, 1 thread", "tfjs-wasm"] as const satisfies readonly EngineLabel[];
const targetSpeedup = 5;

/** Predictions of a few rows a call. */
export async function predictFindings(
  name: CaseName,
  folder: string,
  options: RaceOptions,
): Promise<readonly Findings[]> {
  const findings: Findings[] = [];
  for (const rows of rowsPerCall) {
    const entrants = [ours, other].map((label): Entrant => {
      return { name: label, participant: engineParticipant(label), task: { kind: "predict", folder, rows } };
    });
    try {
      const title = `${name}, predict ${rows} ${rows === 1 ? "row" : "rows"}`;
      const result = await race(entrants, options);
      const times = [ours, other].flatMap((label) =>
        figuresFrom(`${title}: ${label}`, "ms/call", result.times.get(label) ?? []),
      );
      const figures = [...times, ...speedupFigures(title, result, ours, other, targetSpeedup)];
      findings.push({ title, figures, notes: result.notes });
    } finally {
      for (const { participant } of entrants) participant.stop();
    }
  }
  return findings;
}

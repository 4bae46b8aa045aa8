import { judge, replay, scenarioOf, shrink, type Scenario, type SimulatedKind } from "@stampede/testing/simulation";

/**
 * What the tests ask of a bundled simulator, with a bug planted in it or without: plays seeds until one breaks a promise. Arguments: first
 * seed, number of seeds, `shrink` (or nothing) to make the first failure small, and kinds of faults to which the weather is limited.
 * Prints one line of JSON.
 */
const [from = "0", seeds = "0", mode = "", kinds = ""] = process.argv.slice(2);

function scenarioFor(seed: number): Scenario {
  const scenario = scenarioOf(seed);
  if (kinds === "") return scenario;
  const known = new Set(kinds.split(",") as SimulatedKind[]);
  const weather = { rate: 0.1, budget: 15, kinds: known, lateness: [10, 60_000], spareClients: false } as const;
  return { ...scenario, weather };
}

let fingerprint = 0;
let played = 0;
let failed: { seed: number; violations: object } | null = null;
for (let seed = Number(from); seed < Number(from) + Number(seeds) && failed === null; seed += 1) {
  const { history, violations } = await judge(scenarioFor(seed));
  played += 1;
  fingerprint = (Math.imul(fingerprint, 31) + history.fingerprint) >>> 0;
  if (violations.length > 0) failed = { seed, violations };
}
const shrunk = mode === "shrink" && failed !== null ? await made(failed.seed) : null;
process.stdout.write(JSON.stringify({ seeds: played, fingerprint, failed, shrunk }));

/** The small scenario, and whether it fails when it is played by its names alone. */
async function made(seed: number): Promise<object> {
  const scenario = scenarioOf(seed);
  const verdict = await judge(scenario);
  const small = await shrink(scenario, verdict);
  const faults = small?.faults ?? [];
  const changes = small?.changes ?? [];
  const { isWhole, text } = await replay({ seed, only: new Set(faults), changes });
  const injected = verdict.history.injected.length;
  return { injected, faults: faults.length, changes, fails: !isWhole, lines: text.split("\n").length };
}

import { afterEach } from "vitest";
import { seed } from "./dice.js";

/** Whoever reads of a failure can have the same random numbers again. What processes do at the same time stays their own. */
afterEach(({ task }) => {
  if (task.result?.state !== "fail") return;
  process.stdout.write(`\n"${task.name}" failed; the same random numbers: STAMPEDE_CHAOS_SEED=${seed}\n`);
});

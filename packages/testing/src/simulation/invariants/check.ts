import type { History } from "../simulation.js";
import { wrongBits } from "./bits.js";
import { tooMuch } from "./costs.js";
import { wrongAttempts } from "./evidence.js";
import { wrongHeads } from "./heads.js";
import { wrongEnd } from "./quiet.js";
import { wrongReasons } from "./reasons.js";
import { wrongRegisters } from "./registers.js";
import { wrongRoundRecords } from "./rounds.js";
import { wrongStarts } from "./starts.js";
import type { Violation } from "./violation.js";
import { uselessWork } from "./work.js";
import { wrongWrites } from "./writes.js";

/** Every promise that a history breaks; none where all is well. */
export async function violationsOf(history: History): Promise<readonly Violation[]> {
  return [
    ...history.ledger.wrongs.map((message) => ({ rule: "something-to-show", message })),
    ...wrongWrites(history),
    ...wrongHeads(history),
    ...wrongRegisters(history),
    ...(await wrongRoundRecords(history)),
    ...wrongEnd(history),
    ...wrongReasons(history),
    ...wrongAttempts(history),
    ...wrongStarts(history),
    ...uselessWork(history),
    ...(await wrongBits(history)),
    ...(await tooMuch(history)),
  ];
}

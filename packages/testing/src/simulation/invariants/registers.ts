import { isLinearizable } from "../linearizability.js";
import type { History } from "../simulation.js";
import type { Violation } from "./violation.js";

/** What clients saw of a head or a result could have happened one operation after the other. */
export function wrongRegisters({ ledger }: History): readonly Violation[] {
  return [...ledger.registers].flatMap(([key, operations]) => {
    if (isLinearizable(operations)) return [];
    return [{ rule: "linearizable", message: `${key}: ${operations.length} operations have no order` }];
  });
}

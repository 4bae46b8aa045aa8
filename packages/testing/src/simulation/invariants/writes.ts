import type { StoredWrite } from "../ledger.js";
import { isCheckpoint, isOutput } from "../baseline.js";
import type { History } from "../simulation.js";
import type { Violation } from "./violation.js";

/**
 * One object is one commit: what is written once stays. Only the head and signs of life move, each time from the version before, and an
 * output or a checkpoint is replaced when the one before was damaged (or, twice in a row, looked so).
 */
export function wrongWrites(history: History): readonly Violation[] {
  const etags = new Map<string, string>();
  return history.ledger.writes.flatMap((write) => {
    const { key, etag, kind } = write;
    const before = etags.get(key);
    if (kind === "delete") etags.delete(key);
    else etags.set(key, etag);
    const message = wrongIn(write, before, history);
    return message === undefined ? [] : [{ rule: "immutable", message }];
  });
}

function wrongIn(write: StoredWrite, before: string | undefined, history: History): string | undefined {
  const { key, kind, who, over, overDamaged } = write;
  switch (kind) {
    case "create":
      return before === undefined ? undefined : `${who} created ${key}, which was there`;
    case "replace":
      if (before === undefined || over !== before) return `${who} replaced ${key}, which had moved on`;
      if (isMoving(key)) return undefined;
      if ((isOutput(key) || isCheckpoint(key)) && (overDamaged || looksDamaged(write, history))) return undefined;
      return `${who} replaced ${key}, which never changes`;
    case "delete":
      return key.startsWith("unfinished/") ? undefined : `${who} deleted ${key}`;
    default:
      return kind satisfies never;
  }
}

function isMoving(key: string): boolean {
  return key.endsWith("/head.json") || key.includes("/progress/");
}

/** A reader whose reads are torn twice has to believe that the object is damaged. */
function looksDamaged({ key, who }: StoredWrite, { injected }: History): boolean {
  const torn = injected.filter(
    ({ kind, what }) => (kind === "truncated" || kind === "bit-flipped") && what.includes(key),
  );
  return torn.filter((fault) => fault.who === who).length > 1;
}

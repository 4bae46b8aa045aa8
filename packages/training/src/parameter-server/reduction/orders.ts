import { DeltaMessage, encodeMessage, keys, type ObjectStore, type ReductionNode } from "@stampede/core";
import type { ParameterServerDeps } from "../../deps.js";
import { specOf } from "../../remembered.js";
import { exists } from "../../store/records.js";
import { DamagedDelta } from "../read-delta.js";
import { climb } from "./climb.js";
import { belongs, keyOf } from "./tree.js";

/** What it takes at least to start a task again and to train it. */
const mendingMs = 15_000;

/** An order, and what has become of its round and of what it asks for. */
export interface Order {
  readonly message: DeltaMessage;
  readonly node: ReductionNode;
  readonly state: "ended" | "committed" | "under-way";
  readonly isMade: boolean;
}

/** The first order of a batch. */
export async function orderIn(messages: readonly DeltaMessage[], store: ObjectStore): Promise<Order | undefined> {
  const message = messages.find(({ make }) => make !== undefined);
  if (message?.make === undefined) return undefined;
  const { job, round, make: node } = message;
  const asked = [keys.result(job), keys.weights(job, round), keyOf(message, round, node)];
  const [hasEnded, isCommitted, isMade = false] = await Promise.all(asked.map((key) => exists(store, key)));
  const state = hasEnded === true ? "ended" : isCommitted === true ? "committed" : "under-way";
  return { message, node, state, isMade };
}

/**
 * Makes what is ordered. A sum that met a damaged delta is tried again when that may have been made anew. Whoever does that may as well find that it is whole, and
 * that only reads were damaged: then nobody says so.
 * @returns whether the round is committed
 * @throws DamagedDelta
 * @throws StampedeError `store.*`, `training.*`
 */
export async function carryOut({ message, node, isMade }: Order, deps: ParameterServerDeps): Promise<boolean> {
  const { job, round } = message;
  const spec = await specOf(deps.store, job);
  if (!belongs(spec, node)) return false;
  try {
    return await climb(spec, round, { node, isMade }, deps);
  } catch (error) {
    if (error instanceof DamagedDelta) {
      await deps.queues.deltas.send(encodeMessage(DeltaMessage, message), { delayMs: mendingMs });
    }
    throw error;
  }
}

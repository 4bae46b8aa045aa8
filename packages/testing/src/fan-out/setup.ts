import type { Role } from "./bill.js";

export type QueueName = "driver" | "deltas";
export type FunctionRole = Exclude<Role, "client">;

/** How a queue feeds its function. */
export interface SourceSetup {
  /** Messages of one call at most. */
  readonly batchSize: number;
  /** Calls at the same time at most. */
  readonly maxConcurrency: number;
}

/** What is deployed: the part of the table of resources that time and cost follow from. */
export interface CloudSetup {
  readonly memoryMb: Readonly<Record<FunctionRole, number>>;
  readonly timeoutSeconds: Readonly<Record<FunctionRole, number>>;
  readonly sources: Readonly<Record<QueueName, SourceSetup>>;
  /** How often a busy executor asks whether it is still needed. */
  readonly stopCheckMs: number;
}

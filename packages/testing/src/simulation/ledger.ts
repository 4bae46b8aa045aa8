import type { JobId, TaskMessage } from "@stampede/core";
import type { RegisterOperation } from "./linearizability.js";

/** A write that took effect in the store. */
export interface StoredWrite {
  readonly kind: "create" | "replace" | "delete";
  readonly key: string;
  readonly etag: string;
  /** Of the object that was there before. */
  readonly over: string | undefined;
  /** Whether that object was damaged. */
  readonly overDamaged: boolean;
  readonly body: Uint8Array;
  /** On the virtual clock, with fractions. */
  readonly at: number;
  readonly who: string;
}

/** An executor was asked to do a task. */
export interface StartedTask {
  readonly task: TaskMessage;
  readonly at: number;
  readonly by: string;
  /** When the function that asked for it had begun. */
  readonly functionBeganAt: number;
}

/** A function that ended with an error. */
export interface FailedFunction {
  readonly who: string;
  readonly error: unknown;
  readonly at: number;
}

/** An executor's engine worked at some batches. */
export interface Work {
  readonly who: string;
  readonly job: JobId;
  /** When its function had begun. */
  readonly beganAt: number;
  readonly from: number;
  /** How many times as long as usual it took. */
  readonly slowness: number;
  readonly at: number;
}

/** All that is remembered of a history, for those who check it. */
export class Ledger {
  readonly writes: StoredWrite[] = [];
  readonly #created = new Map<string, number>();
  readonly #values = new Map<string, string>();
  readonly #current = new Map<string, string>();
  readonly starts: StartedTask[] = [];
  readonly failures: FailedFunction[] = [];
  readonly work: Work[] = [];
  /** What was found wrong while it happened. */
  readonly wrongs: string[] = [];
  /** What clients did to the records that are decided by compare-and-swap or by being first, by key. */
  readonly registers = new Map<string, RegisterOperation[]>();
  /** Orders what clients do; finer than the clock. */
  #ticks = 0;

  tick(): number {
    this.#ticks += 1;
    return this.#ticks;
  }

  register(key: string, operation: RegisterOperation): void {
    const known = this.registers.get(key);
    if (known === undefined) this.registers.set(key, [operation]);
    else known.push(operation);
  }

  write(write: StoredWrite): void {
    this.writes.push(write);
    if (!this.#created.has(write.key)) this.#created.set(write.key, write.at);
  }

  /** A write of a register: values are named so that one of which the answer was lost is found again. */
  writeValue(key: string, etag: string, value: string): void {
    this.#values.set(etag, value);
    this.#current.set(key, value);
  }

  /** The value that an object with this etag has. */
  nameOf(etag: string): string {
    return this.#values.get(etag) ?? etag;
  }

  /** The value that is there now. */
  valueAt(key: string): string | undefined {
    return this.#current.get(key);
  }

  /** When an object was first written; undefined where it never was. */
  createdAt(key: string): number | undefined {
    return this.#created.get(key);
  }
}

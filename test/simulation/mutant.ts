import type { SimulatedKind } from "@stampede/testing/simulation";

/** A change to a built file. */
export interface Edit {
  /** Below `packages/`. */
  readonly file: string;
  /** Occurs exactly once in it. */
  readonly find: string;
  readonly replace: string;
}

/** A bug that is planted on purpose: the simulator must find it. */
export interface Mutant {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** Promises one of which it breaks. */
  readonly breaks: readonly string[];
  /** What has to go wrong, more than once: in a weather of all kinds that is too rare. */
  readonly kinds?: readonly SimulatedKind[];
}

export const edit = (file: string, find: string, replace: string): Edit => ({ file, find, replace });

import { partitionOfOutput, type DeltaMessage, type JobId, type JobSpec, type ObjectStore } from "@stampede/core";
import { listOutputs } from "../store/round-store.js";

/** A list costs twelve times as much as a read: how long an environment collects hints before somebody looks for all of them, in ms. */
export const lookDelayMs = 1_000;

/**
 * What an environment knows of a round: which deltas are committed. It learns it from the claims of hints, and from the store where those
 * do not tell it all. A claim is only a hint: whoever reads what was claimed finds out whether it is there.
 */
export class RoundSight {
  readonly #job: JobId;
  readonly #round: number;
  readonly #deltas = new Map<number, "claimed" | "listed">();
  #claims = 0;
  #hasLooked = false;
  #hasJustLooked = false;
  #leftOutAt: number | undefined;
  /** Groups of which it is committed what their sums are made of, with the etags of those deltas by partition. */
  readonly plans = new Map<number, ReadonlyMap<number, string>>();

  constructor(job: JobId, round: number) {
    this.#job = job;
    this.#round = round;
  }

  note({ claim }: DeltaMessage): void {
    if (claim === undefined) return;
    const partition = partitionOfOutput(claim.key, this.#job, { kind: "train", round: this.#round });
    this.#hasJustLooked = false;
    if (partition === undefined || this.#deltas.get(partition) === "claimed") return;
    this.#deltas.set(partition, "claimed");
    this.#claims += 1;
  }

  /** Partitions whose deltas are committed, as far as it knows. */
  get deltas(): Pick<ReadonlySet<number>, "has"> {
    return this.#deltas;
  }

  hasAllDeltas({ partitions }: JobSpec): boolean {
    return this.#deltas.size >= partitions;
  }

  /** Whether there is nothing to be known beyond what the last look told. */
  get hasJustLooked(): boolean {
    return this.#hasJustLooked;
  }

  /** A delta was asked for, and is there. */
  found(key: string): void {
    const partition = partitionOfOutput(key, this.#job, { kind: "train", round: this.#round });
    if (partition !== undefined && !this.#deltas.has(partition)) this.#deltas.set(partition, "listed");
  }

  /** Whether it has been told of most of what it knows: another environment is not likely to add up the same. */
  get isFirstHand(): boolean {
    return 2 * this.#claims >= this.#deltas.size;
  }

  /** Whether to look for what it does not know: at the first hint of a round, and at every message that claims nothing. */
  mustLook(hints: readonly DeltaMessage[]): boolean {
    return !this.#hasLooked || hints.some(({ claim }) => claim === undefined);
  }

  /**
   * Whether a message has to make up for the look that is left out now: one may be on its way already. It always leads to a look, later than
   * all hints for which it was relied on. A clock that was set back leads to one message more.
   */
  leavesOut(now: number): boolean {
    const sentAt = this.#leftOutAt;
    if (sentAt !== undefined && now >= sentAt && now - sentAt < lookDelayMs) return false;
    this.#leftOutAt = now;
    return true;
  }

  /** Lists the round's deltas. */
  async look(store: ObjectStore): Promise<void> {
    this.#hasLooked = true;
    this.#hasJustLooked = true;
    for (const partition of await listOutputs(store, this.#job, { kind: "train", round: this.#round })) {
      if (!this.#deltas.has(partition)) this.#deltas.set(partition, "listed");
    }
  }

  /** Takes back what it knew of a delta. Whether that was only claimed: then nothing is wrong with the store. */
  forget(partition: number): boolean {
    const wasClaimed = this.#deltas.get(partition) === "claimed";
    this.#deltas.delete(partition);
    if (wasClaimed) this.#claims -= 1;
    this.#hasLooked = false;
    return wasClaimed;
  }
}

/** Thrown through a task whose output nobody waits for any more: its job has ended, or another attempt was first. */
export class Abandoned extends Error {
  override readonly name = "Abandoned";
}

/** Thrown between two pieces of work when the time that is left is not enough for the next one. */
export class OutOfTime extends Error {
  override readonly name = "OutOfTime";
  readonly done: number;
  readonly of: number;
  readonly unit: "batches" | "rows";

  /** @param done of how many units of work */
  constructor(done: number, of: number, unit: "batches" | "rows") {
    super(`${done} of ${of} ${unit} were done`);
    this.done = done;
    this.of = of;
    this.unit = unit;
  }
}

/** Thrown through a task that is out of time when its checkpoint is there: another attempt goes on from it. */
export class ToBeContinued extends Error {
  override readonly name = "ToBeContinued";
  readonly batches: number;
  readonly totalBatches: number;

  /** @param batches that are done */
  constructor(batches: number, totalBatches: number) {
    super(`${batches} of ${totalBatches} batches are done`);
    this.batches = batches;
    this.totalBatches = totalBatches;
  }
}

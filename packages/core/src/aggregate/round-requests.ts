import { blockBytes } from "../codec/block-sums.js";

/** What one function asks of the object store in one round. */
export interface FunctionRequests {
  readonly role: "aggregate" | "plan" | "slice" | "commit" | "read-weights";
  /** How many functions do so, at the same time. */
  readonly functions: number;
  readonly gets: number;
  readonly heads: number;
  readonly puts: number;
  readonly lists: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Messages that it sends. */
  readonly sends: number;
}

export interface RoundSize {
  readonly partitions: number;
  readonly slices: number;
  readonly weightBytes: number;
  /** Of the optimizer's state where that is averaged, else 0. */
  readonly averagedBytes: number;
  /** Of a delta with all that is in it. */
  readonly deltaBytes: number;
}

/** A header of a delta with some tensors. */
const headerBytes = 16_384;

/**
 * Who reads and writes what of a round once its deltas are there: the most that functions ask for which were started a moment ago, where
 * nothing goes wrong and hints come one by one to one environment within a second. Each further second, and each further environment, is
 * a list more. The roles follow one another; `read-weights` is what each executor of the next round does.
 */
export function roundRequests(size: RoundSize): readonly FunctionRequests[] {
  const { partitions, slices, weightBytes, averagedBytes, deltaBytes } = size;
  const bytes = weightBytes + averagedBytes;
  const reader = {
    role: "read-weights",
    functions: partitions,
    heads: 0,
    puts: 0,
    lists: 0,
    sends: 0,
    bytesWritten: 0,
  } as const;
  if (slices === 1) {
    const read = { gets: partitions + 2, bytesRead: partitions * deltaBytes + weightBytes };
    const one = {
      role: "aggregate",
      functions: 1,
      heads: 2,
      puts: 1,
      lists: 1,
      bytesWritten: bytes,
      sends: 2,
    } as const;
    return [
      { ...one, ...read },
      { ...reader, gets: 1, bytesRead: bytes },
    ];
  }
  const parts = averagedBytes > 0 ? 2 : 1;
  const sliceBytes = Math.ceil(bytes / slices);
  const none = { heads: 0, lists: 0, bytesWritten: 0, sends: 0 } as const;
  const plan = {
    gets: partitions + 2,
    heads: 4,
    puts: 1,
    lists: 1,
    bytesRead: (partitions + 1) * headerBytes,
    bytesWritten: partitions * planBytes(bytes),
    sends: slices + 1,
  };
  const slice = {
    gets: parts * partitions + 2,
    heads: 3,
    puts: 1,
    bytesRead: partitions * (sliceBytes + parts * 2 * blockBytes + planBytes(bytes)),
    bytesWritten: sliceBytes,
    sends: 1,
  };
  return [
    { role: "plan", functions: 1, ...plan },
    { role: "slice", functions: slices, ...none, ...slice },
    {
      role: "commit",
      functions: 1,
      ...none,
      gets: slices + 2,
      heads: 2,
      puts: 1,
      lists: 1,
      bytesRead: slices * headerBytes,
      sends: 2,
    },
    { ...reader, gets: 1 + slices, bytesRead: bytes },
  ];
}

/** What a plan says of one delta: its place, its part of the record, and four bytes a block. */
function planBytes(bytes: number): number {
  return 600 + 4 * Math.ceil(bytes / blockBytes);
}

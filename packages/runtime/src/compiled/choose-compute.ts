import type { Compute } from "@stampede/core";

export interface ComputeRequest {
  /** Of the machine. */
  readonly cores: number;
  /** Executors that share it at the same time. */
  readonly executors: number;
  /** Floating-point operations of one batch: `flops` of the training graph's manifest. */
  readonly flopsPerBatch: number;
}

/** A thread of its own is worth this many operations a batch: with fewer it waits longer for the others than it computes. */
const flopsPerThread = 50e6;

/**
 * How many threads each executor computes with, from the cores that the others leave to it and the size of the work.
 *
 * What a second thread brought on two cores, batches of 64 (million operations a batch): perceptron 784-128-128-10 (32) 1.0 to 1.2 times
 * the speed, 784-512-512-10 (206) 1.2 to 1.7, 784-1024-1024-10 (610) 1.4 to 1.5, a CNN for 32 x 32 pictures (9,600) 1.6. More than two
 * threads were not measured. Small models get one: executors on the other cores use those better.
 *
 * Threads that wait in a loop were 1.1 to 1.2 times as fast, where each had a core; where they had not, two of them were slower than one
 * thread alone. Recurrent nets, whose thousands of small products a step each wake the other thread, need the loop: a GRU over 1,000 steps
 * took 61 ms with one thread, 45 to 48 with two that loop, 99 to 110 with two that sleep. Here all threads of all executors have a core,
 * or there is one thread, which waits for nobody.
 */
export function chooseCompute({ cores, executors, flopsPerBatch }: ComputeRequest): Compute {
  const share = Math.floor(cores / Math.max(1, executors));
  const useful = Math.floor(flopsPerBatch / flopsPerThread);
  const threads = Math.max(1, Math.min(share, useful));
  return { threads, spinning: threads > 1 };
}

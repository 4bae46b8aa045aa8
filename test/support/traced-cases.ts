import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { expectSame, type Sample } from "./traced.js";

/** Samples of what one kernel computes. */
export interface KernelCase {
  readonly name: string;
  readonly samples: fc.Arbitrary<Sample>;
  /** @default 50 */
  readonly runs?: number;
}

/** By tfjs' name of the kernel, which every one of the kernel's samples must need. */
export type KernelCases = Readonly<Record<string, readonly KernelCase[]>>;

/** The same for graphs that only predict. */
export function toPredict(samples: fc.Arbitrary<Sample>): fc.Arbitrary<Sample> {
  return samples.map((sample) => ({ ...sample, gradient: false, isInference: true }));
}

/** One test for each case. */
export function testCases(cases: KernelCases): void {
  fc.configureGlobal({ seed: 1 });
  for (const [kernel, list] of Object.entries(cases)) {
    describe(kernel, () => {
      for (const { name, samples, runs = 50 } of list) {
        test.prop([samples], { numRuns: runs })(name, async (sample) => {
          expect(await expectSame(sample)).toContain(kernel);
        });
      }
    });
  }
}

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

/** One test for each case. */
export function testCases(cases: KernelCases): void {
  fc.configureGlobal({ seed: Number(process.env["FCSEED"] ?? 1), endOnFailure: true });
  for (const [kernel, list] of Object.entries(cases)) {
    describe(kernel, () => {
      for (const { name, samples, runs = 50 } of list) {
        test.prop([samples], { numRuns: runs * Number(process.env["FCRUNS"] ?? 1) })(name, async (sample) => {
          expect(await expectSame(sample)).toContain(kernel);
        });
      }
    });
  }
}

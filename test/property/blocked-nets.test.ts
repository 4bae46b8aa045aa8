import { fc, test } from "@fast-check/vitest";
import { blockOf } from "@stampede/runtime";
import { describe, expect } from "vitest";
import { exactNets, runnable, smoothNets, type Net } from "../support/convolution-nets.js";
import { onGraph } from "../support/traced.js";

/** The same nets every time; more of them with NETS=2000, others with NETS_SEED. */
const numRuns = Number(process.env["NETS"] ?? 24);
fc.configureGlobal({ seed: Number(process.env["NETS_SEED"] ?? 1) });

/**
 * How far a net's results and gradients in blocks are from those of the usual lowering, by the largest element of each tensor; of small
 * ones, by that of all.
 */
async function distanceOf(net: Net, lowering: Parameters<typeof onGraph>[2]): Promise<number> {
  const { run, inputs } = runnable(net);
  const plain = await onGraph(run, inputs);
  const blocked = await onGraph(run, inputs, lowering);
  const largest = plain.results.map(({ values }) => Math.max(...values.map(Math.abs)));
  const floor = 0.1 * Math.max(...largest);
  return Math.max(
    ...plain.results.map(({ shape, values }, index) => {
      const found = blocked.results[index];
      expect(found?.shape).toEqual(shape);
      const apart = values.map((value, at) => Math.abs(value - (found?.values[at] ?? Number.NaN)));
      return Math.max(...apart) / Math.max(largest[index] ?? 0, floor, 1e-3);
    }),
  );
}

const lowerings: readonly (readonly [string, Parameters<typeof onGraph>[2]])[] = [
  ["on this processor", { block: await blockOf() }],
  ["on one with blocks of 8, as its operators are documented", { block: 8, isEmulated: true }],
  ["on one with blocks of 16, as its operators are documented", { block: 16, isEmulated: true }],
];

describe.each(lowerings)(
  "convolutional nets in blocks have the results and gradients of the usual lowering, %s:",
  (_, lowering) => {
    test.prop([exactNets], { numRuns })("of whole numbers, with ties", async (net) => {
      expect(await distanceOf(net, lowering)).toBeLessThan(2e-6);
    });

    test.prop([smoothNets], { numRuns: Math.ceil(numRuns / 2) })("with normalisations", async (net) => {
      expect(await distanceOf(net, lowering)).toBeLessThan(2e-5);
    });
  },
);

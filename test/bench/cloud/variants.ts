import { publishedLatencies, type FanOutOptions } from "@stampede/testing/fan-out";
import type { VariantName } from "./variant-names.js";

/**
 * How a round could be averaged. `deployed` is how it is; `whole` has one function add up all deltas as they come, `unlimited` is a store
 * that takes any number of requests a second (prefixes that were in use for long, or S3 Express One Zone) and a Lambda that starts any
 * number of environments at once.
 */
export function variantOf(name: VariantName): Partial<FanOutOptions> {
  switch (name) {
    case "deployed":
      return {};
    case "whole":
      return { slicing: { slices: 1, parts: 1 } };
    case "unlimited":
      return {
        latencies: {
          ...publishedLatencies,
          s3ReadsPerSecond: 1e9,
          s3WritesPerSecond: 1e9,
          environmentsPerTenSeconds: 1e9,
        },
      };
    default:
      return name satisfies never;
  }
}

import { publishedLatencies, type FanOutOptions } from "@stampede/testing/fan-out";
import type { VariantName } from "./variant-names.js";

/** What one function reads of a round in 1.5 s. */
const finerBytes = 2 ** 27;
/** Nothing smaller is read of a delta. */
const blockBytes = 2 ** 18;

/**
 * How a round could be averaged. `deployed` is how it is; `invoked` hands out slices by invocations of the function instead of messages,
 * `finer` cuts them eight times as small besides, and `unlimited` does both on a store that takes any number of requests a second (many
 * prefixes that were in use for long, or S3 Express One Zone).
 */
export function variantOf(
  name: VariantName,
  { partitions, weightBytes }: { readonly partitions: number; readonly weightBytes: number },
): Partial<FanOutOptions> {
  const invoked = { slicesBy: "invocations" } as const;
  const slices = Math.min(Math.ceil((partitions * weightBytes) / finerBytes), Math.floor(weightBytes / blockBytes));
  switch (name) {
    case "deployed":
      return {};
    case "invoked":
      return invoked;
    case "finer":
      return { ...invoked, slices };
    case "unlimited":
      return {
        ...invoked,
        slices,
        latencies: { ...publishedLatencies, s3ReadsPerSecond: 1e9, s3WritesPerSecond: 1e9 },
      };
    default:
      return name satisfies never;
  }
}

import * as z from "zod";

/**
 * A metric before its last division, so that parts merge exactly by adding `sums`:
 * - mean: [sum over samples, samples]
 * - precision: [true positives, predicted positives]
 * - recall: [true positives, actual positives]
 * - r2Score: [samples, sum of y, sum of y^2, sum of squared residuals]
 */
export const MetricState = z.strictObject({
  kind: z.enum(["mean", "precision", "recall", "r2Score"]),
  sums: z.array(z.number()).min(1).max(8),
});
export type MetricState = z.infer<typeof MetricState>;

/** By Keras' full name: `loss`, `accuracy`, ...; for several outputs prefixed by the output's name. */
export const MetricStates = z.record(z.string(), MetricState);
export type MetricStates = z.infer<typeof MetricStates>;

import { StampedeError, type MetricStates } from "@stampede/core";

/**
 * @param batches loss and metrics of neighbouring batches
 * @param first the number of the first of them
 * @param lost what is lost, for the message
 * @throws StampedeError `training.non-finite` for the first batch with a loss or metric that is NaN or infinite
 */
export function refuseNonFinite(batches: readonly MetricStates[], first: number, lost: string): void {
  for (const [index, states] of batches.entries()) {
    for (const [name, { sums }] of Object.entries(states)) {
      const [sum = Number.NaN] = sums;
      if (Number.isFinite(sum)) continue;
      const batch = first + index;
      const message = `Expected a finite ${name}, found ${sum} in batch ${batch}. ${lost} and training stopped.`;
      throw new StampedeError("training.non-finite", message, {
        details: { batch, metric: name, value: String(sum) },
      });
    }
  }
}

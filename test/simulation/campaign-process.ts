import { campaign } from "@stampede/testing/simulation";
import type { Report, Share } from "./processes.js";

/** A share of a campaign, in a process of its own. */
process.once("message", (share) => {
  const { from, seeds } = share as Share;
  const tell = (report: Report): void => {
    process.send?.(report);
  };
  campaign({ from, seeds, onProgress: (summary) => tell({ summary, isLast: false }) }).then(
    (summary) => {
      tell({ summary, isLast: true });
      process.disconnect();
    },
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(1);
    },
  );
});

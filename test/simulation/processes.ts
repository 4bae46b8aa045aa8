import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { campaign, emptySummary, merged, type Summary } from "@stampede/testing/simulation";

/** What a process that plays a share of a campaign is told, and what it says. */
export interface Share {
  readonly from: number;
  readonly seeds: number;
}
export interface Report {
  readonly summary: Summary;
  readonly isLast: boolean;
}

/** Fewer are not worth the start of a process. */
const leastForProcesses = 2_000;

/** Plays seeds on all cores: a process for each, because one has one thread. */
export async function runCampaign(from: number, seeds: number): Promise<Summary> {
  const processes = seeds < leastForProcesses ? 1 : Math.max(1, availableParallelism());
  const parts = new Map<number, Summary>();
  const progress = (part: number, summary: Summary): void => {
    parts.set(part, summary);
    showProgress([...parts.values()].reduce(merged, emptySummary()), seeds);
  };
  if (processes === 1) {
    const summary = await campaign({ from, seeds, onProgress: (made) => progress(0, made) });
    endProgress();
    return summary;
  }
  const share = Math.ceil(seeds / processes);
  const shares = Array.from({ length: processes }, (_, part) => ({
    from: from + part * share,
    seeds: Math.min(share, seeds - part * share),
  }));
  const summaries = await Promise.all(shares.map((each, part) => inProcess(each, (made) => progress(part, made))));
  endProgress();
  return summaries.reduce(merged, emptySummary());
}

function inProcess(share: Share, onProgress: (summary: Summary) => void): Promise<Summary> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL("./campaign-process.ts", import.meta.url));
    child.on("message", (message) => {
      // Only our own process sends on this channel.
      const { summary, isLast } = message as Report;
      onProgress(summary);
      if (isLast) resolve(summary);
    });
    child.on("error", reject);
    child.on("exit", (code) => {
      if (code !== 0) reject(new Error(`A process of the campaign ended with code ${code}.`));
    });
    child.send(share);
  });
}

/** One line that is written over, where somebody looks. */
function showProgress({ seeds, failed }: Summary, of: number): void {
  if (!process.stderr.isTTY) return;
  const broken = failed.length === 0 ? "" : `, ${failed.length} broke a promise`;
  process.stderr.write(`\r${seeds} of ${of} seeds${broken}\u001B[K`);
}

function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write("\r\u001B[K");
}

import { exitCode } from "./exit-code.js";
import type { Host } from "./host.js";

/** Work that does not stop within this time is left to the end of the process; it is made for sudden ends. */
const defaultPatienceMs = 700;

export interface Interruption {
  readonly signal: AbortSignal;
  /** Listens no longer. */
  dispose(): void;
}

/**
 * The first Ctrl-C (SIGINT, SIGTERM) calls `onFirst` and aborts the signal; the process ends when the work has stopped, or
 * after `patienceMs` (0.7 s). The second one ends the process at once. A closed stdout counts as the first, without words.
 * @param isInNative whether native code runs that an orderly exit would cut off
 */
export function listenForInterrupt(
  host: Host,
  onFirst: (reason: "signal" | "closed") => void,
  isInNative: () => boolean = () => false,
  patienceMs = defaultPatienceMs,
): Interruption {
  const end = (): void => (isInNative() ? host.die() : host.exit(exitCode.interrupted));
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const stop = (reason: "signal" | "closed"): void => {
    if (controller.signal.aborted) {
      if (reason === "signal") end();
      return;
    }
    onFirst(reason);
    timer = setTimeout(end, patienceMs);
    controller.abort();
  };
  const forget = [host.onInterrupt(() => stop("signal")), host.onClosedOutput(() => stop("closed"))];
  return {
    signal: controller.signal,
    dispose: () => {
      clearTimeout(timer);
      for (const each of forget) each();
    },
  };
}

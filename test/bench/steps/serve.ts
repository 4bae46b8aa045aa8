import { createInterface } from "node:readline";
import { Order, type Answer, type Task } from "./orders.js";

/** Work that is ready to be timed. */
export interface Opened {
  readonly versions?: Readonly<Record<string, string>>;
  /** Does so many steps. */
  run(steps: number): Promise<void>;
  close(): void;
}

/**
 * The life of a participant's process: carries out orders until standard input ends.
 * @param prepare loads what every task needs
 */
export async function serve(
  open: (task: Task) => Promise<Opened>,
  prepare: () => Promise<unknown> = () => Promise.resolve(),
): Promise<void> {
  let opened: Opened | undefined;
  const obey = async (order: Order): Promise<Answer> => {
    switch (order.order) {
      case "ready":
        await prepare();
        return {};
      case "open":
        opened = await open(order.task);
        return { versions: { ...opened.versions } };
      case "run": {
        if (opened === undefined) throw new Error("Expected to be told what to open first.");
        const began = performance.now();
        await opened.run(order.steps);
        return { ms: performance.now() - began };
      }
      case "close":
        opened?.close();
        opened = undefined;
        return {};
    }
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const answer = await obey(Order.parse(JSON.parse(line))).catch((error: unknown): Answer => ({
      error: error instanceof Error ? error.message : String(error),
    }));
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { decodeMessage, DriverMessage, toErrorFacts, type Queue } from "@stampede/core";
import { RunnerTrouble, type RunnerMessage, type RunnerSettings } from "./messages.js";

/** What a thread that has died is waited with: it may die at once again. */
const restartMs = 1000;

/** The runner as the API's queue `driver`: what is sent there, it hears of. */
export class Runner {
  readonly #settings: RunnerSettings;
  readonly #onTrouble: (trouble: RunnerTrouble) => void;
  #worker: Worker;
  #isClosing = false;

  constructor(settings: RunnerSettings, onTrouble: (trouble: RunnerTrouble) => void) {
    this.#settings = settings;
    this.#onTrouble = onTrouble;
    this.#worker = this.#start();
  }

  get queue(): Pick<Queue, "send"> {
    return {
      send: async (body) => {
        const message = decodeMessage(DriverMessage, body, "driver");
        this.#tell({ type: "job", job: message.type === "invocation-failed" ? message.task.job : message.job });
      },
    };
  }

  /** Jobs under way stay as they are, and are gone on with by the next runner on the same folder. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const ended = once(this.#worker, "exit");
    this.#tell({ type: "close" });
    await ended;
  }

  #tell(message: RunnerMessage): void {
    this.#worker.postMessage(message);
  }

  /** One that dies of what nobody foresaw is followed by another, which goes on with what is unfinished. */
  #start(): Worker {
    const worker = new Worker(new URL("./runner-thread.js", import.meta.url), { workerData: this.#settings });
    worker.on("message", (value: unknown) => this.#onTrouble(RunnerTrouble.parse(value)));
    worker.on("error", (error: unknown) => this.#onTrouble(toErrorFacts(error)));
    worker.on("exit", () => {
      if (this.#isClosing) return;
      setTimeout(() => {
        if (!this.#isClosing) this.#worker = this.#start();
      }, restartMs);
    });
    return worker;
  }
}

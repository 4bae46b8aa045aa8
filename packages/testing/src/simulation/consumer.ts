import type { QueueMessage } from "@stampede/core";
import type { Faults, Operation } from "../faults/faults.js";
import { FaultyQueue } from "../faults/faulty-queue.js";
import { keyOf, logUniform, mix } from "./random.js";
import { functionTimeoutMs } from "./functions.js";
import type { QueueName, World } from "./world.js";

/** Feeds a function from a queue, as an event source mapping does. */
export class Consumer {
  readonly #world: World;
  readonly #name: QueueName;
  readonly #queue: FaultyQueue;
  #active = 0;
  #isPolling = false;
  #polls = 0;
  #point = 0;

  constructor(world: World, name: QueueName) {
    this.#world = world;
    this.#name = name;
    const faults: Faults = { of: (operation) => this.#faultOf(operation) };
    this.#queue = new FaultyQueue(name, world.queues[name], faults, world.time);
  }

  /** Nothing is under way any more. */
  crash(): void {
    this.#active = 0;
    this.#isPolling = false;
  }

  /** A message is there. */
  wake(): void {
    const { time, generation, habits } = this.#world;
    if (this.#isPolling || this.#active >= habits.concurrency) return;
    this.#isPolling = true;
    this.#polls += 1;
    const key = mix(keyOf(this.#world.key, this.#name), this.#polls);
    time.at(time.exact + logUniform(0.5, 50, key), () => {
      if (this.#world.generation !== generation) return;
      this.#isPolling = false;
      this.#point = key;
      void this.#receive()
        .catch(() => undefined)
        .finally(() => this.#pollAgain());
    });
  }

  #pollAgain(): void {
    if (this.#world.queues[this.#name].visible > 0) this.wake();
  }

  async #receive(): Promise<void> {
    const { batchSize, visibilityMs } = this.#world.habits;
    const messages = await this.#queue.receive({ max: batchSize, waitMs: 0, visibilityMs });
    if (messages.length > 0) this.#hand(messages);
  }

  #hand(messages: readonly QueueMessage[]): void {
    const { functions, generation, time } = this.#world;
    this.#active += 1;
    let isHolding = true;
    const release = (): void => {
      if (!isHolding || this.#world.generation !== generation) return;
      isHolding = false;
      this.#active -= 1;
      this.#pollAgain();
    };
    // One that is frozen for long holds nobody up.
    time.at(time.exact + functionTimeoutMs, release);
    functions.consume(this.#name, messages, (isDone) => {
      release();
      if (isDone) for (const message of messages) this.#delete(message);
    });
  }

  #delete({ id, receipt, receiveCount }: QueueMessage): void {
    this.#point = mix(keyOf(this.#world.key, id), receiveCount);
    // What is not deleted comes back.
    this.#queue.delete(receipt).catch(() => undefined);
  }

  #faultOf(operation: Operation): ReturnType<Faults["of"]> {
    const point = this.#point;
    const fault = this.#world.fate.ofCall(point, operation.name);
    if (fault === undefined) return undefined;
    const { time, fate } = this.#world;
    fate.note({ ...fault, point, at: time.exact, who: "platform", what: `${operation.name} ${operation.subject}` });
    return fault;
  }
}

import type { EventSink, JobEvent } from "@stampede/core";
import type { Faults, Operation } from "./faults.js";

/** Events are told to nobody, or twice. */
export class FaultyEventSink implements EventSink {
  readonly #inner: EventSink;
  readonly #faults: Faults;

  constructor(inner: EventSink, faults: Faults) {
    this.#inner = inner;
    this.#faults = faults;
  }

  emit(event: JobEvent): void {
    const operation: Operation = { name: "events.emit", subject: event.event };
    const kind = this.#faults.of(operation)?.kind;
    if (kind === "lost") return;
    this.#inner.emit(event);
    if (kind === "doubled") this.#inner.emit(event);
  }
}

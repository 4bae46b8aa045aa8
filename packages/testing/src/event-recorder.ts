import type { EventSink, JobEvent } from "@stampede/core";

/** Keeps every event in order, and lets a test wait for one. */
export class EventRecorder implements EventSink {
  readonly events: JobEvent[] = [];
  readonly #waiting = new Set<(event: JobEvent) => void>();

  emit(event: JobEvent): void {
    this.events.push(event);
    for (const look of this.#waiting) look(event);
  }

  /** The events of one kind. */
  of<K extends JobEvent["event"]>(kind: K): readonly Extract<JobEvent, { event: K }>[] {
    return this.events.filter((event): event is Extract<JobEvent, { event: K }> => event.event === kind);
  }

  /** The first event that fits, among those recorded or yet to come. */
  next(fits: (event: JobEvent) => boolean): Promise<JobEvent> {
    const found = this.events.find(fits);
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve) => {
      const look = (event: JobEvent): void => {
        if (!fits(event)) return;
        this.#waiting.delete(look);
        resolve(event);
      };
      this.#waiting.add(look);
    });
  }
}

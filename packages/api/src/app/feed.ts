import { isStampedeError, type JobEvent, type JobId, type ObjectStore } from "@stampede/core";
import { FactsLog } from "@stampede/training/jobs";

/** Where a reader goes on: behind this round; 0 is the beginning. */
export type Cursor = number;
/** The id of the last event of a job. */
export const endId = "end";

/** Of events that are kept for readers who are slower than the job; more than that, and they have to come back. */
const maxKeptBytes = 4 * 2 ** 20;
/** So long a store may be away before readers are sent away. */
const patienceMs = 60_000;

export interface FeedDeps {
  readonly store: ObjectStore;
  readonly now: () => number;
  readonly lookMs: number;
}

/** Tells the events of one job to any number of readers who began at the same place: it is looked at once for all of them. */
export class Feed {
  readonly #deps: FeedDeps;
  readonly #log: FactsLog;
  readonly #cursor: Cursor;
  /** One for each look that found something; what they are called by goes on counting when the first ones are dropped. */
  #chunks: Uint8Array[] = [];
  #dropped = 0;
  #keptBytes = 0;
  #round: number;
  #isOver = false;
  #heardAt: number;
  #timer: NodeJS.Timeout | undefined;
  #readers = 0;
  #news = later();
  #first: Promise<void> | undefined;
  #failure: Error | undefined;

  constructor(job: JobId, cursor: Cursor, deps: FeedDeps) {
    this.#deps = deps;
    this.#cursor = cursor;
    this.#round = cursor;
    this.#heardAt = deps.now();
    this.#log = new FactsLog(deps.store, job, cursor === 0 ? "beginning" : { afterRound: cursor });
  }

  get isUnread(): boolean {
    return this.#readers === 0;
  }

  /**
   * Looks now, if nobody has yet, and then again and again as long as there are readers.
   * @throws StampedeError what the first look failed with: whoever comes can still be told so
   */
  async open(): Promise<void> {
    this.#readers += 1;
    if (this.#readers === 1) this.#first = this.#turn();
    await this.#first;
    if (this.#failure !== undefined) throw this.#failure;
  }

  close(): void {
    this.#readers -= 1;
    if (this.#readers === 0) clearTimeout(this.#timer);
  }

  /** The chunk with this number, `over` behind the last one, `lost` where the reader was too slow; undefined: not yet. */
  at(index: number): Uint8Array | "over" | "lost" | undefined {
    if (index < this.#dropped) return "lost";
    const chunk = this.#chunks[index - this.#dropped];
    return chunk ?? (this.#isOver ? "over" : undefined);
  }

  /** Resolves with the next chunk, or the end. */
  get news(): Promise<void> {
    return this.#news.promise;
  }

  async #turn(): Promise<void> {
    await this.#look();
    if (this.#isOver || this.#readers === 0) return;
    this.#timer = setTimeout(() => void this.#turn(), this.#deps.lookMs);
  }

  async #look(): Promise<void> {
    const now = this.#deps.now();
    try {
      const isFirst = this.#log.submitted === undefined;
      const news = await this.#log.look(now);
      const { submitted } = this.#log;
      const began = isFirst && this.#cursor === 0 && submitted !== undefined ? [submitted] : [];
      const last = await this.#log.lastWord();
      this.#heardAt = now;
      this.#tell([...began, ...news], last);
    } catch (error) {
      const mayPass = isStampedeError(error) && error.code === "store.unavailable";
      if (mayPass && now - this.#heardAt < patienceMs) return;
      // Its readers come back, and are told then.
      this.#failure = error instanceof Error ? error : new Error(String(error));
      this.#end();
    }
  }

  #tell(events: readonly JobEvent[], last: JobEvent | undefined): void {
    let text = "";
    for (const event of events) {
      if (event.event === "round.finished") this.#round = event.round;
      text += frameOf(event, String(this.#round));
    }
    if (last !== undefined) text += frameOf(last, endId);
    if (text !== "") this.#keep(new TextEncoder().encode(text));
    if (last !== undefined) this.#end();
  }

  #keep(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#keptBytes += chunk.length;
    while (this.#keptBytes > maxKeptBytes && this.#chunks.length > 1) {
      this.#keptBytes -= this.#chunks.shift()?.length ?? 0;
      this.#dropped += 1;
    }
    this.#announce();
  }

  #end(): void {
    this.#isOver = true;
    this.#announce();
  }

  #announce(): void {
    const { resolve } = this.#news;
    this.#news = later();
    resolve();
  }
}

/** `id` is the last round that is over, so that whoever comes back is told what follows it. https://html.spec.whatwg.org/multipage/server-sent-events.html */
export function frameOf(event: JobEvent, id: string): string {
  return `id: ${id}\nevent: ${event.event}\ndata: ${JSON.stringify(event)}\n\n`;
}

function later(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

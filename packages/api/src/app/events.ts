import type { JobEvent, JobId } from "@stampede/core";
import { FactsLog } from "@stampede/training/jobs";
import { operations } from "../contract/operations.js";
import { RateLimited } from "./auth.js";
import type { ApiDeps, ApiLimits } from "./deps.js";
import { endId, Feed, frameOf, type Cursor } from "./feed.js";
import { needJob } from "./jobs.js";
import type { Router } from "./route.js";

const headers = { "Content-Type": "text/event-stream", "X-Accel-Buffering": "no" } as const;
/** What a reader waits before it comes back. */
const retryLine = "retry: 1000\n\n";

/** The events of jobs, from their facts: any process tells the same of any job. */
export function eventRoutes(router: Router, deps: ApiDeps): Streams {
  const streams = new Streams(deps, router.limits);
  router.route(operations.followJob, async ({ params: { job }, query, headers: { "last-event-id": lastId } }) => {
    if (lastId === endId) return new Response(null, { status: 204 });
    await needJob(job, deps);
    const cursor = Number(lastId ?? 0);
    if (query.follow === "false") return new Response(await toldSoFar(job, cursor, deps), { headers });
    return new Response(await streams.open(job, cursor), { headers });
  });
  return streams;
}

async function toldSoFar(job: JobId, cursor: Cursor, { store, clock }: ApiDeps): Promise<string> {
  const log = new FactsLog(store, job, cursor === 0 ? "beginning" : { afterRound: cursor });
  const news = await log.look(clock.now());
  const { submitted } = log;
  const events: readonly JobEvent[] = cursor === 0 && submitted !== undefined ? [submitted, ...news] : news;
  const last = await log.lastWord();
  let round = cursor;
  const frames = events.map((event) => {
    if (event.event === "round.finished") round = event.round;
    return frameOf(event, String(round));
  });
  return retryLine + frames.join("") + (last === undefined ? "" : frameOf(last, endId));
}

/** The event streams that are open. */
export class Streams {
  readonly #deps: ApiDeps;
  readonly #limits: ApiLimits;
  readonly #feeds = new Map<string, Feed>();
  readonly #closing = new AbortController();
  #open = 0;

  constructor(deps: ApiDeps, limits: ApiLimits) {
    this.#deps = deps;
    this.#limits = limits;
  }

  /**
   * A stream that reads the feed at the pace of its reader, and holds nothing of it.
   * @throws StampedeError `api.rate-limited` when there are too many; `store.*`
   */
  async open(job: JobId, cursor: Cursor): Promise<ReadableStream<Uint8Array>> {
    if (this.#open >= this.#limits.streams) throw new RateLimited("event streams at the same time", 5000);
    this.#open += 1;
    const feed = this.#join(job, cursor);
    try {
      await feed.open();
    } catch (error) {
      this.#leave(job, cursor, feed);
      throw error;
    }
    const leave = new AbortController();
    const chunks = this.#read(feed, { job, cursor }, AbortSignal.any([leave.signal, this.#closing.signal]));
    return new ReadableStream({
      pull: async (controller) => {
        const { done, value } = await chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      cancel: async () => {
        leave.abort();
        await chunks.return(undefined);
      },
    });
  }

  /** Ends all streams: their readers come back, here or elsewhere. */
  close(): void {
    this.#closing.abort();
  }

  async *#read(
    feed: Feed,
    { job, cursor }: { readonly job: JobId; readonly cursor: Cursor },
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, undefined> {
    const until = this.#limits.streamMs === undefined ? Infinity : this.#deps.clock.now() + this.#limits.streamMs;
    const encoder = new TextEncoder();
    try {
      // Something at once: some proxies hold a stream back until its first byte.
      yield encoder.encode(retryLine);
      for (let index = 0; !signal.aborted;) {
        const chunk = feed.at(index);
        if (chunk === "over" || chunk === "lost" || this.#deps.clock.now() >= until) return undefined;
        if (chunk === undefined) {
          if (await isQuiet(feed.news, this.#limits.heartbeatMs, signal)) yield encoder.encode(": still here\n\n");
          continue;
        }
        index += 1;
        yield chunk;
      }
      return undefined;
    } finally {
      this.#leave(job, cursor, feed);
    }
  }

  #join(job: JobId, cursor: Cursor): Feed {
    const name = `${job} ${cursor}`;
    const { store, clock } = this.#deps;
    const feed =
      this.#feeds.get(name) ?? new Feed(job, cursor, { store, now: () => clock.now(), lookMs: this.#limits.lookMs });
    this.#feeds.set(name, feed);
    return feed;
  }

  #leave(job: JobId, cursor: Cursor, feed: Feed): void {
    this.#open -= 1;
    feed.close();
    const name = `${job} ${cursor}`;
    if (feed.isUnread && this.#feeds.get(name) === feed) this.#feeds.delete(name);
  }
}

/** Waits for news; true when there are none for so long. */
async function isQuiet(news: Promise<void>, ms: number, signal: AbortSignal): Promise<boolean> {
  let stop: () => void = () => undefined;
  let timer: NodeJS.Timeout | undefined;
  const quiet = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(true), ms);
    stop = () => resolve(false);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([news.then(() => false), quiet]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

import type { JobEvent } from "@stampede/core";
import { colorsFor, speaksUnicode, voiceFor, type Host } from "../host.js";
import { applyEvent, startView, type JobView } from "./job-view.js";
import { newsOfKernels } from "./kernels.js";
import { closingLines, liveLines, type Frame } from "./live.js";
import { failureLine, lostLine, plainLines, retryLine, submittedWords } from "./plain.js";
import { Screen } from "./screen.js";

/** Shows a job while it runs. */
export interface Presenter {
  /** What was heard so far. */
  readonly view: JobView;
  event(event: JobEvent): void;
  /** Words to a person. */
  note(lines: readonly string[]): void;
  /** The job is over, or no longer watched: takes the live view away and says the last word. Later events are not shown. */
  close(last: JobEvent | undefined, summary: readonly string[]): void;
}

export interface PresenterOptions {
  readonly json: boolean;
  readonly epochs?: number;
}

/** Ten pictures a second: smooth, and a slow terminal keeps up. */
const frameMs = 100;

export function makePresenter(host: Host, options: PresenterOptions): Presenter {
  return voiceFor(host, options.json) === "live" ? new LivePresenter(host, options) : new LinePresenter(host, options);
}

/** In a pipe or with --json: events as JSON lines on stdout, words on stderr. On a plain terminal: words only. */
class LinePresenter implements Presenter {
  readonly #host: Host;
  readonly #json: boolean;
  #view: JobView;
  #closed = false;

  constructor(host: Host, options: PresenterOptions) {
    this.#host = host;
    this.#json = voiceFor(host, options.json) === "json";
    this.#view = startView(host.now());
  }

  get view(): JobView {
    return this.#view;
  }

  event(event: JobEvent): void {
    if (this.#closed) return;
    const { kernels } = this.#view;
    this.#view = applyEvent(this.#view, event, this.#host.now());
    // The last word is said by close(), once, whatever was heard before.
    if (isLast(event)) return;
    this.#emit(event);
    this.note(isLost(event) ? firstLost(this.#view) : plainLines(event));
    this.note(newsOfKernels(kernels, this.#view.kernels));
  }

  note(lines: readonly string[]): void {
    for (const line of lines) this.#host.stderr.write(`${line}\n`);
  }

  close(last: JobEvent | undefined, summary: readonly string[]): void {
    if (this.#closed) return;
    this.#closed = true;
    if (last !== undefined) this.#emit(last);
    const output = this.#json ? this.#host.stderr : this.#host.stdout;
    for (const line of summary) output.write(`${line}\n`);
  }

  #emit(event: JobEvent): void {
    if (this.#json) this.#host.stdout.write(`${JSON.stringify(event)}\n`);
  }
}

/** On a terminal: a picture that is redrawn in place. */
class LivePresenter implements Presenter {
  readonly #host: Host;
  readonly #epochs: number | undefined;
  readonly #screen: Screen;
  readonly #timer: NodeJS.Timeout;
  readonly #forgetExit: () => void;
  #view: JobView;
  #closed = false;

  constructor(host: Host, options: PresenterOptions) {
    this.#host = host;
    this.#epochs = options.epochs;
    this.#screen = new Screen(host.stdout);
    this.#view = startView(host.now());
    this.#timer = setInterval(() => this.#draw(), frameMs);
    this.#timer.unref();
    this.#forgetExit = host.onExit(() => this.#screen.close());
  }

  get view(): JobView {
    return this.#view;
  }

  event(event: JobEvent): void {
    if (this.#closed) return;
    this.#view = applyEvent(this.#view, event, this.#host.now());
    const words = wordsOn(event, this.#view);
    if (words.length > 0) this.note(words);
  }

  note(lines: readonly string[]): void {
    if (this.#closed || this.#host.stderr.isTTY !== true) {
      for (const line of lines) this.#host.stderr.write(`${line}\n`);
      return;
    }
    // Both streams are the same screen: the words take their place above the picture.
    this.#screen.print(lines);
  }

  close(_last: JobEvent | undefined, summary: readonly string[]): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    this.#forgetExit();
    this.#screen.print(closingLines(this.#view, this.#frame()));
    this.#screen.close();
    for (const line of summary) this.#host.stdout.write(`${line}\n`);
  }

  #draw(): void {
    this.#screen.draw(liveLines(this.#view, this.#frame()));
  }

  #frame(): Frame {
    const { stdout, env } = this.#host;
    return {
      now: this.#host.now(),
      columns: stdout.columns ?? 80,
      rows: stdout.rows ?? 24,
      colors: colorsFor(stdout, env),
      unicode: speaksUnicode(env),
      epochs: this.#epochs,
    };
  }
}

/** What the picture does not show. Backups and continued tasks are nothing special, and of a retry after a failure its reason has been told. */
function wordsOn(event: JobEvent, view: JobView): readonly string[] {
  if (event.event === "job.submitted") return submittedWords(event);
  if (event.event === "task.failed") return [failureLine(event)];
  if (event.event !== "task.retried") return [];
  if (isLost(event)) return firstLost(view);
  return event.why === "slow" || event.why === "failed" || event.why === "continued" ? [] : [retryLine(event)];
}

function isLost(event: JobEvent): boolean {
  return event.event === "task.retried" && event.why === "machine-gone";
}

/** A process that goes down takes many tasks with it: they are worth one line. */
function firstLost({ lost }: JobView): readonly string[] {
  return lost === 1 ? [lostLine] : [];
}

function isLast(event: JobEvent): boolean {
  return event.event === "job.succeeded" || event.event === "job.failed";
}

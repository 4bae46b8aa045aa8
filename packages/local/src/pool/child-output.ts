import type { Readable } from "node:stream";

/** V8's report of its own end begins so; the rest are tables and addresses, which nobody wants to see. */
const lastWords = "<--- Last few GCs --->";
/** How V8 and the C++ library say that there is no memory left. */
const noMemory = /^.*(?:Allocation failed - .*out of memory|terminate called .*std::bad_alloc).*$/m;
/** Of what a child prints last; V8's report has 4 KB. */
const rememberedChars = 32_768;

/** Passes on what a child prints, all of it to stderr: stdout belongs to results. */
export class ChildOutput {
  #text = "";

  constructor(streams: readonly (Readable | null)[]) {
    for (const stream of streams) {
      stream?.on("data", (chunk: Buffer) => this.#pass(chunk));
      stream?.on("error", () => undefined);
    }
  }

  /** The line that says that there is no memory left, where there is one. */
  get outOfMemory(): string | undefined {
    return noMemory.exec(this.#text)?.[0];
  }

  #pass(chunk: Buffer): void {
    this.#text = (this.#text + chunk.toString()).slice(-rememberedChars);
    if (!this.#text.includes(lastWords)) process.stderr.write(chunk);
  }
}

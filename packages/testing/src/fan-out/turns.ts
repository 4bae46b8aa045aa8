import type { VirtualTime } from "../simulation/virtual-time.js";
import type { Latencies } from "./latencies.js";
import { Line } from "./line.js";

/** Requests on keys below one prefix wait for each other, when there are too many a second. */
export class Turns {
  readonly #time: VirtualTime;
  readonly #latencies: Latencies;
  readonly #lines = new Map<string, Line>();

  constructor(time: VirtualTime, latencies: Latencies) {
    this.#time = time;
    this.#latencies = latencies;
  }

  read(key: string, requests: number, done: () => void): void {
    this.#lineOf(`read ${prefixOf(key)}`).take((requests * 1000) / this.#latencies.s3ReadsPerSecond, done);
  }

  write(key: string, requests: number, done: () => void): void {
    this.#lineOf(`write ${prefixOf(key)}`).take((requests * 1000) / this.#latencies.s3WritesPerSecond, done);
  }

  #lineOf(name: string): Line {
    const line = this.#lines.get(name) ?? new Line(this.#time);
    this.#lines.set(name, line);
    return line;
  }
}

function prefixOf(key: string): string {
  return key.slice(0, key.lastIndexOf("/"));
}

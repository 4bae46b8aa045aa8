import { mix, unit } from "../simulation/random.js";
import type { Spread } from "./latencies.js";

/** Numbers that look random, the same at every run. */
export class Chance {
  #key: number;

  constructor(key: number) {
    this.#key = key;
  }

  /** A number in [0, 1). */
  unit(): number {
    this.#key = mix(this.#key, 1);
    return unit(this.#key);
  }

  between([least, most]: readonly [number, number]): number {
    return least + (most - least) * this.unit();
  }

  /** Of a lognormal distribution. */
  around({ medianMs, sigma }: Spread): number {
    return medianMs * Math.exp(sigma * this.#normal());
  }

  /** Box and Muller. */
  #normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.unit()));
    return radius * Math.cos(2 * Math.PI * this.unit());
  }
}

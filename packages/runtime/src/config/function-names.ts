import type { CustomFunction, CustomFunctions } from "./custom.js";
import { customName } from "./custom-names.js";

/** Gives names to functions of the user's own while a model is taken apart. */
export class FunctionNames {
  readonly #losses = new Map<string, CustomFunction>();
  readonly #metrics = new Map<string, CustomFunction>();

  /** The same for the same function; the function's own name, with a number where several have it. */
  nameOf(what: "loss" | "metric", fn: CustomFunction): string {
    const known = what === "loss" ? this.#losses : this.#metrics;
    const plain = fn.name === "" ? what : fn.name;
    let name = customName(plain);
    for (let copy = 1; (known.get(name) ?? fn) !== fn; copy += 1) name = customName(`${plain}_${copy}`);
    known.set(name, fn);
    return name;
  }

  /** undefined when there are none. */
  functions(): CustomFunctions | undefined {
    if (this.#losses.size + this.#metrics.size === 0) return undefined;
    return { losses: Object.fromEntries(this.#losses), metrics: Object.fromEntries(this.#metrics) };
  }
}

import { faultsOf, type Fault, type FaultKind, type OperationName } from "../faults/faults.js";
import { below, logUniform, mix, unit } from "./random.js";

/** What can happen to a function in the middle of an operation, whichever port it belongs to. */
type FunctionFaultKind = "dies-before" | "dies-after" | "freezes";
/** What else: all of an invocation's work takes `amount` times as long; one bit of a committed object becomes wrong. */
export type SimulatedKind = FaultKind | FunctionFaultKind | "straggles" | "decays";

const functionFaults = ["dies-before", "dies-after", "freezes"] as const;

export const simulatedKinds: readonly SimulatedKind[] = [
  ...new Set<SimulatedKind>([...Object.values(faultsOf).flat(), ...functionFaults, "straggles", "decays"]),
];

export interface SimulatedFault extends Omit<Fault, "kind"> {
  readonly kind: SimulatedKind;
}

/** A fault that a port's wrapper carries out, or one of the function that calls it. */
export interface OperationFault extends Omit<Fault, "kind"> {
  readonly kind: FaultKind | FunctionFaultKind;
}

export function isPortFault(fault: OperationFault): fault is Fault {
  const { kind } = fault;
  return kind !== "dies-before" && kind !== "dies-after" && kind !== "freezes";
}

/** A fault that was injected. */
export interface Injected extends SimulatedFault {
  /** Names the operation it happens to, in this and every other history of the same seed. */
  readonly point: number;
  readonly at: number;
  readonly who: string;
  readonly what: string;
}

/** How often what goes wrong. */
export interface Weather {
  /** The chance of a fault at one operation. */
  readonly rate: number;
  /** The most faults in one history. */
  readonly budget: number;
  /** What may happen; other kinds do not. */
  readonly kinds: ReadonlySet<SimulatedKind>;
  /** Between these every duration lies by which something is late, in ms. */
  readonly lateness: readonly [number, number];
  /** Nothing happens to whoever submits, cancels or resumes jobs. */
  readonly spareClients: boolean;
}

export const fairWeather: Weather = { rate: 0, budget: 0, kinds: new Set(), lateness: [1, 1], spareClients: true };

/** Decides what goes wrong where. The same point has the same fault in every history, whatever happened before. */
export class Fate {
  readonly injected: Injected[] = [];
  readonly #weather: Weather;
  readonly #only: ReadonlySet<number> | undefined;

  /** @param only the points at which something goes wrong; otherwise the weather decides */
  constructor(weather: Weather, only?: ReadonlySet<number>) {
    this.#weather = weather;
    this.#only = only;
  }

  /** Whether faults of this kind are to be expected at all. */
  knows(kind: SimulatedKind): boolean {
    return this.#weather.kinds.has(kind);
  }

  get sparesClients(): boolean {
    return this.#weather.spareClients;
  }

  ofOperation(point: number, name: OperationName): OperationFault | undefined {
    return this.#happens(point) ? this.#choose(point, this.#menu(name, functionFaults)) : undefined;
  }

  /** Of an operation that is no point at which a function may die: it is done within the function. */
  ofCall(point: number, name: OperationName): Fault | undefined {
    return this.#happens(point) ? this.#choose(point, this.#menu(name, [])) : undefined;
  }

  ofInvocation(point: number): SimulatedFault | undefined {
    if (!this.knows("straggles") || !this.#happens(point)) return undefined;
    return { kind: "straggles", amount: logUniform(2, 5_000, mix(point, 3)) };
  }

  ofObject(point: number): SimulatedFault | undefined {
    if (!this.knows("decays") || !this.#happens(point)) return undefined;
    return { kind: "decays", amount: unit(mix(point, 3)) };
  }

  note(injected: Injected): void {
    this.injected.push(injected);
  }

  #happens(point: number): boolean {
    if (this.#only !== undefined) return this.#only.has(point);
    const { rate, budget } = this.#weather;
    return this.injected.length < budget && unit(mix(point, 1)) < rate;
  }

  #choose<K extends SimulatedKind>(point: number, menu: readonly K[]): { kind: K; amount: number } | undefined {
    const kind = menu[below(menu.length, mix(point, 2))];
    return kind && { kind, amount: this.#amount(kind, mix(point, 3)) };
  }

  #amount(kind: SimulatedKind, key: number): number {
    const [min, max] = this.#weather.lateness;
    switch (kind) {
      case "truncated":
      case "bit-flipped":
      case "expires-early":
        return unit(key);
      case "slow":
      case "answered-late":
      case "delayed":
      case "freezes":
        return logUniform(min, max, key);
      case "jumps":
        return Math.round(logUniform(min, max, key)) * (unit(mix(key, 1)) < 0.5 ? -1 : 1);
      default:
        return 0;
    }
  }

  #menu<K extends SimulatedKind>(name: OperationName, others: readonly K[]): readonly (FaultKind | K)[] {
    const all: readonly (FaultKind | K)[] = [...faultsOf[name], ...others];
    return all.filter((kind) => this.knows(kind));
  }
}

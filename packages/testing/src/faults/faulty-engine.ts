import {
  StampedeError,
  tensorOf,
  type Engine,
  type EngineSession,
  type NamedTensors,
  type Timers,
  type TrainOutcome,
} from "@stampede/core";
import { pause, unfit } from "./disturbed.js";
import type { Fault, Faults, Operation, OperationName } from "./faults.js";

/** An engine that fails, runs out of memory, or computes what is no number. */
export class FaultyEngine implements Engine {
  readonly #inner: Engine;
  readonly #faults: Faults;
  readonly #timers: Timers;

  constructor(inner: Engine, faults: Faults, timers: Timers) {
    this.#inner = inner;
    this.#faults = faults;
    this.#timers = timers;
  }

  get name(): Engine["name"] {
    return this.#inner.name;
  }

  async open(...given: Parameters<Engine["open"]>): Promise<EngineSession> {
    const run = runner(this.#faults, this.#timers);
    return faultySession(await run("engine.open", () => this.#inner.open(...given)), run);
  }
}

type Run = <T>(name: OperationName, act: () => Promise<T>, whenNotFinite?: (answer: T) => T) => Promise<T>;

function faultySession(inner: EngineSession, run: Run): EngineSession {
  return {
    load: (weights, optimizer) => run("engine.load", () => inner.load(weights, optimizer)),
    train: (request) => run("engine.train", () => inner.train(request), refuseLoss),
    evaluate: (range) => run("engine.evaluate", () => inner.evaluate(range)),
    predict: (range) => run("engine.predict", () => inner.predict(range)),
    save: () =>
      run(
        "engine.save",
        () => inner.save(),
        (saved) => ({ ...saved, weights: notFinite(saved.weights) }),
      ),
    close: () => inner.close(),
  };
}

function runner(faults: Faults, timers: Timers): Run {
  return async (name, act, whenNotFinite) => {
    const operation: Operation = { name, subject: "engine" };
    const fault = faults.of(operation);
    if (fault === undefined) return act();
    if (fault.kind === "not-finite" && whenNotFinite !== undefined) return whenNotFinite(await act());
    await fail(operation, fault, timers);
    return act();
  };
}

async function fail(operation: Operation, { kind, amount }: Fault, timers: Timers): Promise<void> {
  switch (kind) {
    case "fails":
      throw new StampedeError("engine.failed", `Expected ${operation.name} to work; the engine failed.`);
    case "out-of-memory":
      // As V8 says it.
      throw new RangeError("Array buffer allocation failed");
    case "slow":
      return pause(timers, amount);
    default:
      throw unfit(operation, kind);
  }
}

/** An engine looks at every loss itself. */
function refuseLoss(_: TrainOutcome): never {
  throw new StampedeError("training.non-finite", "the loss became NaN");
}

function notFinite(weights: NamedTensors): NamedTensors {
  return new Map(
    [...weights].map(([name, { data, shape }]) => {
      const spoilt = data.slice();
      spoilt[0] = Number.NaN;
      return [name, tensorOf(spoilt, shape)];
    }),
  );
}

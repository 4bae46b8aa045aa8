import type {
  Clock,
  Engine,
  EngineSession,
  EventSink,
  Executors,
  ObjectStore,
  Queue,
  TrainRequest,
  UniqueSource,
} from "@stampede/core";
import type { ExecutorDeps, DriverDeps } from "@stampede/training";
import { FaultyClock } from "../faults/faulty-clock.js";
import { FaultyEngine } from "../faults/faulty-engine.js";
import { FaultyEventSink } from "../faults/faulty-event-sink.js";
import { FaultyExecutors } from "../faults/faulty-executors.js";
import { FaultyObjectStore } from "../faults/faulty-object-store.js";
import { FaultyQueue } from "../faults/faulty-queue.js";
import type { Faults, Operation } from "../faults/faults.js";
import { tinyEngine } from "../tiny-engine.js";
import { attemptName } from "./attempt-name.js";
import type { Invocation, Turn } from "./invocation.js";
import { ScheduledStore } from "./scheduled-store.js";
import { isPortFault } from "./weather.js";
import type { QueueName, World } from "./world.js";

/** A process in which a function runs, once or again and again: what it remembers hangs on its ports. */
export interface Container {
  readonly deps: DriverDeps & ExecutorDeps;
  /** Whose turn it is. */
  current: Invocation | undefined;
}

/** A new process with ports of its own, over the world that all share. */
export function startContainer(world: World): Container {
  const turns = new Turns(world);
  const { time } = world;
  const clock = new FaultyClock(time, turns);
  const unique: UniqueSource = { hex: (digits) => world.nextUnique(digits) };
  const events: EventSink = new FaultyEventSink(world.events, turns);
  const queue = (name: QueueName): Pick<Queue, "send"> =>
    scheduledQueue(name, new FaultyQueue(name, world.queues[name], turns, time), turns);
  const engine = scheduledEngine(new FaultyEngine(tinyEngine, turns, time), turns, world.habits.batchMs);
  // A request that is slow may be done when it is somebody else's turn.
  const act = (): void => world.actAs(container.current);
  const starter: Executors = {
    start: (task) => {
      act();
      return world.functions.start(task);
    },
  };
  const container: Container = {
    current: undefined,
    deps: {
      store: new ScheduledStore(new FaultyObjectStore(attributed(world.store, act), turns, time), turns, world),
      queues: { driver: queue("driver"), deltas: queue("deltas") },
      clock: world.fate.knows("jumps") ? clock : plainClock(time),
      unique,
      events,
      executors: scheduledExecutors(new FaultyExecutors(starter, turns, time), turns),
      engine: () => Promise.resolve(engine),
      residentBytes: world.habits.residentBytes,
    },
  };
  turns.container = container;
  return container;
}

/** The store, which is told who it is that writes. */
function attributed(store: ObjectStore, act: () => void): ObjectStore {
  const writing = <T>(write: () => T): T => {
    act();
    return write();
  };
  return {
    get: (key, range) => store.get(key, range),
    head: (key) => store.head(key),
    create: (key, body) => writing(() => store.create(key, body)),
    replace: (key, body, etag) => writing(() => store.replace(key, body, etag)),
    list: (prefix) => store.list(prefix),
    delete: (key) => writing(() => store.delete(key)),
  };
}

function plainClock(time: Clock): Clock {
  return { now: () => time.now() };
}

/** Hands the fault of the operation whose turn it is to the wrapper that carries it out. */
export class Turns implements Faults {
  container: Container | undefined;
  readonly #world: World;
  #armed: Turn;

  constructor(world: World) {
    this.#world = world;
  }

  /** Waits for an operation's turn, and then does it. */
  async take<T>(operation: Operation, act: () => Promise<T>, costMs = 0): Promise<T> {
    const invocation = this.#current();
    const turn = await invocation.pass(operation, costMs);
    if (turn === undefined) return act();
    this.#armed = turn;
    const result = act();
    this.#armed = undefined;
    return invocation.answer(turn, result);
  }

  /** Work for a job, which is written down. */
  async work<T>(act: () => Promise<T>): Promise<T> {
    const { label, job, beganAt, slowness } = this.#current();
    const { ledger, time } = this.#world;
    const from = time.exact;
    const answer = await act();
    if (job !== undefined) ledger.work.push({ who: label, job, beganAt, from, slowness, at: time.exact });
    return answer;
  }

  of(operation: Operation): ReturnType<Faults["of"]> {
    if (isWithin(operation)) return this.#current().faultOf(operation);
    const armed = this.#armed;
    this.#armed = undefined;
    return armed !== undefined && isPortFault(armed) ? armed : undefined;
  }

  #current(): Invocation {
    const invocation = this.container?.current;
    if (invocation === undefined) throw new Error("A port was called outside of an invocation.");
    return invocation;
  }
}

/** Operations that do not leave the function: nothing else can happen meanwhile. */
function isWithin({ name }: Operation): boolean {
  switch (name) {
    case "clock.now":
    case "events.emit":
    case "engine.load":
    case "engine.save":
      return true;
    default:
      return false;
  }
}

function scheduledQueue(name: string, inner: Queue, turns: Turns): Pick<Queue, "send"> {
  return {
    send: (body, options) => turns.take({ name: "queue.send", subject: name }, () => inner.send(body, options)),
  };
}

function scheduledExecutors(inner: Executors, turns: Turns): Executors {
  return {
    start: (task) => {
      return turns.take({ name: "executors.start", subject: attemptName(task) }, () => inner.start(task));
    },
  };
}

/** An engine whose work takes time, in which other functions go on. */
function scheduledEngine(inner: Engine, turns: Turns, batchMs: number): Engine {
  return {
    name: inner.name,
    open: async (...given) => {
      const operation: Operation = { name: "engine.open", subject: "engine" };
      return scheduledSession(await turns.take(operation, () => inner.open(...given)), turns, batchMs);
    },
  };
}

function scheduledSession(inner: EngineSession, turns: Turns, batchMs: number): EngineSession {
  const costOf = ({ fromBatch, toBatch }: TrainRequest): number => (toBatch - fromBatch) * batchMs;
  const operation = (name: Operation["name"]): Operation => ({ name, subject: "engine" });
  return {
    load: (...given) => inner.load(...given),
    train: (request) =>
      turns.work(() => turns.take(operation("engine.train"), () => inner.train(request), costOf(request))),
    evaluate: (range) => turns.take(operation("engine.evaluate"), () => inner.evaluate(range), batchMs),
    predict: (range) => turns.take(operation("engine.predict"), () => inner.predict(range), batchMs),
    save: () => inner.save(),
    close: () => inner.close(),
  };
}

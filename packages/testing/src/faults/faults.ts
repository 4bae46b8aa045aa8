/** What can go wrong with an operation of a port. */
export type FaultKind =
  /** Nothing happened; the caller is told so (503, throttled, unreachable). */
  | "refused"
  /** It happened; the caller is told that it failed, as after a time-out. */
  | "unanswered"
  /** A write met another one in flight (409): nothing was written. */
  | "clashed"
  /** A write took effect, its answer was lost, and the adapter's second try met the first one (412). */
  | "conflict-with-itself"
  /** It happens, `amount` ms later. */
  | "slow"
  /** It happened, and is answered `amount` ms later. */
  | "answered-late"
  /** A read that is cut short: `amount` (0 ... 1) of it is there. */
  | "truncated"
  /** A read in which one bit is wrong, at `amount` (0 ... 1) of its length. */
  | "bit-flipped"
  /** Answered as done, and never heard of again. */
  | "lost"
  /** Done twice. */
  | "doubled"
  /** A message comes `amount` ms later than it should. */
  | "delayed"
  /** A delivery ends too early: the message is visible again after `amount` (0 ... 1) of its time. */
  | "expires-early"
  /** Messages come in another order. */
  | "reordered"
  /** The engine fails in a way that another try may not. */
  | "fails"
  /** The engine gets no memory. */
  | "out-of-memory"
  /** A loss that is no number. */
  | "not-finite"
  /** The clock goes on `amount` ms later (or earlier, below 0). */
  | "jumps";

export interface Fault {
  readonly kind: FaultKind;
  /** What it means depends on the kind; 0 where it means nothing. */
  readonly amount: number;
}

/** The operations of all ports, and what can go wrong with each. */
export const faultsOf = {
  "store.get": ["refused", "unanswered", "slow", "answered-late", "truncated", "bit-flipped"],
  "store.head": ["refused", "unanswered", "slow", "answered-late"],
  "store.create": ["refused", "unanswered", "clashed", "conflict-with-itself", "slow", "answered-late"],
  "store.replace": ["refused", "unanswered", "clashed", "conflict-with-itself", "slow", "answered-late"],
  "store.list": ["refused", "unanswered", "slow", "answered-late"],
  "store.delete": ["refused", "unanswered", "slow", "answered-late"],
  "queue.send": ["refused", "unanswered", "lost", "doubled", "delayed", "slow", "answered-late"],
  "queue.receive": ["refused", "unanswered", "reordered", "expires-early", "slow"],
  "queue.delete": ["refused", "unanswered", "slow"],
  "queue.extend": ["refused", "unanswered", "slow"],
  "executors.start": ["refused", "unanswered", "lost", "doubled", "slow", "answered-late"],
  "engine.open": ["fails", "out-of-memory", "slow"],
  "engine.load": ["fails", "out-of-memory"],
  "engine.train": ["fails", "out-of-memory", "not-finite", "slow"],
  "engine.evaluate": ["fails", "out-of-memory", "slow"],
  "engine.predict": ["fails", "out-of-memory", "slow"],
  "engine.save": ["fails", "out-of-memory", "not-finite"],
  "clock.now": ["jumps"],
  "timers.after": ["slow"],
  "events.emit": ["lost", "doubled"],
} as const satisfies Record<string, readonly FaultKind[]>;

export type OperationName = keyof typeof faultsOf;

/** One call of a port. */
export interface Operation {
  readonly name: OperationName;
  /** What it is done to: an object's key, a queue's name, a task. */
  readonly subject: string;
}

/** Says what goes wrong. Asked once for every operation, when it begins. */
export interface Faults {
  /** The fault MUST be one of `faultsOf[operation.name]`. */
  of(operation: Operation): Fault | undefined;
}

/** Nothing goes wrong. */
export const noFaults: Faults = { of: () => undefined };

/** What a client did to a register, and what it heard. Values are named by whatever tells them apart. */
export interface RegisterOperation {
  readonly kind: "read" | "create" | "replace";
  /** What was read (undefined: nothing was there), or what was to be written. */
  readonly value: string | undefined;
  /** What a replace expects to be there. */
  readonly expected?: string | undefined;
  /** `unclear`: it may have taken effect or not; the client was not told, or not the truth. */
  outcome: "done" | "conflict" | "unclear";
  /** When it began. */
  readonly from: number;
  /** When it was over; Infinity where nobody heard of it again and it may still take effect. */
  to: number;
}

/**
 * Whether a history of a register with create, replace and read could have happened one operation after the other, each at some
 * moment between its beginning and its end. Wing and Gong ("Testing and verifying concurrent objects", 1993): tries, depth first, each
 * operation that may be the next; with Lowe's memory of the states that led nowhere ("Testing for linearizability", 2017).
 */
export function isLinearizable(history: readonly RegisterOperation[]): boolean {
  const operations = history.toSorted((a, b) => a.from - b.from);
  const deadEnds = new Set<string>();
  const stack: State[] = [{ first: 0, beyond: [], value: undefined }];
  for (let state = stack.pop(); state !== undefined; state = stack.pop()) {
    if (isDone(operations, state)) return true;
    const name = `${state.first}/${state.beyond.join()}/${state.value}`;
    if (deadEnds.has(name)) continue;
    deadEnds.add(name);
    stack.push(...successors(operations, state));
  }
  return false;
}

interface State {
  /** All operations before this one are behind us. */
  readonly first: number;
  /** And these after it, ascending. */
  readonly beyond: readonly number[];
  readonly value: string | undefined;
}

/** What is unclear need not have happened. */
function isDone(operations: readonly RegisterOperation[], { first, beyond }: State): boolean {
  for (let at = first; at < operations.length; at += 1) {
    if (operations[at]?.outcome !== "unclear" && !beyond.includes(at)) return false;
  }
  return true;
}

function successors(operations: readonly RegisterOperation[], state: State): readonly State[] {
  const found: State[] = [];
  let earliestEnd = Infinity;
  for (let at = state.first; at < operations.length; at += 1) {
    const operation = operations[at];
    // One that began after another had ended cannot come before it.
    if (operation === undefined || operation.from > earliestEnd) break;
    if (state.beyond.includes(at)) continue;
    earliestEnd = Math.min(earliestEnd, operation.to);
    for (const value of valuesAfter(operation, state.value)) {
      const next = without(state, at, value);
      // A read changes nothing: where it can come next, nothing is lost by taking it next.
      if (operation.kind === "read") return [next];
      found.push(next);
    }
  }
  return found;
}

/** The values that the register can have after an operation; none where it cannot be the next one. */
function valuesAfter(operation: RegisterOperation, value: string | undefined): readonly (string | undefined)[] {
  const { kind, outcome } = operation;
  if (kind === "read") return operation.value === value ? [value] : [];
  const takesEffect = kind === "create" ? value === undefined : value !== undefined && value === operation.expected;
  switch (outcome) {
    case "done":
      return takesEffect ? [operation.value] : [];
    case "conflict":
      return takesEffect ? [] : [value];
    case "unclear":
      return takesEffect ? [operation.value, value] : [value];
    default:
      return outcome satisfies never;
  }
}

function without({ first, beyond }: State, at: number, value: string | undefined): State {
  const rest = [...beyond, at].toSorted((a, b) => a - b);
  let next = first;
  while (rest[0] === next) {
    rest.shift();
    next += 1;
  }
  return { first: next, beyond: rest, value };
}

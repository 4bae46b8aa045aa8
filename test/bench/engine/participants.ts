import { join } from "node:path";
import { Participant } from "../steps/participant.js";

/** Engines by the name that the figures give them: arguments of their process. */
const engines = {
  "compiled, 1 thread": ["compiled", "1"],
  "compiled, 2 threads": ["compiled", "2"],
  "tfjs-wasm": ["tfjs-wasm"],
  "tfjs-cpu": ["tfjs-cpu"],
  "tfjs-node, 1 thread": ["tfjs-node"],
} as const satisfies Readonly<Record<string, readonly string[]>>;
export type EngineLabel = keyof typeof engines;
export const engineLabels: readonly EngineLabel[] = Object.keys(engines).filter(
  (label): label is EngineLabel => label in engines,
);

/** libtensorflow is faster on these models with one thread than with its default; it has no other way to be told. */
const env = { TF_NUM_INTRAOP_THREADS: "1" };

export function engineParticipant(label: EngineLabel): Participant {
  return processOf("engine-process.ts", engines[label]);
}

export function gemmParticipant(): Participant {
  return processOf("gemm-process.ts", []);
}

function processOf(file: string, args: readonly string[]): Participant {
  // With the loader for TypeScript that this process was started with.
  const all = [...process.execArgv, join(import.meta.dirname, file), ...args];
  return new Participant({ program: process.execPath, args: all, env });
}

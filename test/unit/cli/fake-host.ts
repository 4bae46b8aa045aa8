import type { Host, Output } from "@stampede/cli";

export interface FakeOutput extends Output {
  readonly written: string[];
  columns: number;
  rows: number;
}

export function fakeOutput(options: { isTTY?: boolean; columns?: number; rows?: number } = {}): FakeOutput {
  const { isTTY = false, columns = 80, rows = 24 } = options;
  const written: string[] = [];
  return { written, isTTY, columns, rows, write: (text) => written.push(text) };
}

export interface FakeHost extends Host {
  readonly stdout: FakeOutput;
  readonly stderr: FakeOutput;
  readonly exits: number[];
  deaths: number;
  readonly interrupts: Set<() => void>;
  time: number;
}

export function fakeHost(options: { tty?: FakeOutput; env?: Host["env"]; cwd?: string } = {}): FakeHost {
  const interrupts = new Set<() => void>();
  const exits: number[] = [];
  const host: FakeHost = {
    stdout: options.tty ?? fakeOutput(),
    stderr: options.tty ?? fakeOutput(),
    env: options.env ?? { NO_COLOR: "1" },
    cwd: options.cwd ?? "/nowhere",
    exits,
    deaths: 0,
    interrupts,
    time: 1_000_000,
    now: () => host.time,
    onInterrupt(listener) {
      interrupts.add(listener);
      return () => void interrupts.delete(listener);
    },
    onClosedOutput: () => () => undefined,
    onExit: () => () => undefined,
    exit: (code) => void exits.push(code),
    die: () => {
      host.deaths += 1;
    },
  };
  return host;
}

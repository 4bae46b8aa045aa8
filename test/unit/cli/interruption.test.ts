import { listenForInterrupt } from "@stampede/cli";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { fakeHost } from "./fake-host.js";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function setup({ isInNative = false } = {}) {
  const closed = new Set<() => void>();
  const host = fakeHost();
  const told: string[] = [];
  const listening = {
    ...host,
    die: () => host.die(),
    onClosedOutput: (listener: () => void) => {
      closed.add(listener);
      return () => void closed.delete(listener);
    },
  };
  const interruption = listenForInterrupt(
    listening,
    (reason) => told.push(reason),
    () => isInNative,
  );
  const interrupt = (): void => host.interrupts.forEach((listener) => listener());
  const close = (): void => closed.forEach((listener) => listener());
  return { host, interruption, told, interrupt, close };
}

it("aborts at the first signal and ends the process when the work does not stop", () => {
  const { host, interruption, told, interrupt } = setup();
  expect(interruption.signal.aborted).toBe(false);
  interrupt();
  expect(interruption.signal.aborted).toBe(true);
  expect(told).toEqual(["signal"]);
  vi.advanceTimersByTime(699);
  expect(host.exits).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(host.exits).toEqual([130]);
});

it("ends the process at once at the second signal, and says nothing again", () => {
  const { host, told, interrupt } = setup();
  interrupt();
  interrupt();
  expect(host.exits).toEqual([130]);
  expect(told).toEqual(["signal"]);
});

it("does not exit in an orderly way while native code runs, which that would cut off", () => {
  for (const signals of [1, 2]) {
    const { host, interrupt } = setup({ isInNative: true });
    for (let sent = 0; sent < signals; sent += 1) interrupt();
    expect(host.deaths).toBe(signals - 1);
    vi.advanceTimersByTime(700);
    expect([host.exits, host.deaths > 0]).toEqual([[], true]);
  }
});

it("aborts when the reader of stdout is gone, however often that is noticed", () => {
  const { host, interruption, told, close } = setup();
  close();
  close();
  expect(interruption.signal.aborted).toBe(true);
  expect(told).toEqual(["closed"]);
  expect(host.exits).toEqual([]);
});

it("does nothing more once the work has stopped", () => {
  const { host, interruption, interrupt } = setup();
  interrupt();
  interruption.dispose();
  vi.advanceTimersByTime(10_000);
  expect(host.exits).toEqual([]);
  expect(host.interrupts.size).toBe(0);
});

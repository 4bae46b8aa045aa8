import { randomInt, randomUUID } from "node:crypto";
import { setup as setUpTests } from "../../global-setup.js";
import { unmountBelow } from "./mounts.js";
import { livingWith, signalTo } from "./processes.js";

/** The settings of this suite, which outlive the clean environment of all test runs. */
const kept = ["STAMPEDE_CHAOS_SEED", "STAMPEDE_CHAOS_DISK"] as const;

/** As for all tests; besides it chooses the seed of this run, and removes what a test left running or mounted. */
export function setup(): () => void {
  const settings = kept.map((name) => [name, process.env[name]] as const);
  const tearDown = setUpTests();
  for (const [name, value] of settings) if (value !== undefined) process.env[name] = value;
  process.env["STAMPEDE_CHAOS_SEED"] ??= String(randomInt(2 ** 32));
  const suite = randomUUID();
  process.env["STAMPEDE_CHAOS_SUITE"] = suite;
  const folder = process.env["TMPDIR"] ?? "";
  return () => {
    for (const left of livingWith(suite)) signalTo(left, "SIGKILL");
    unmountBelow(folder);
    tearDown();
  };
}

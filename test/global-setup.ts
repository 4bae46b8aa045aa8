import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

/** Settings of the person who runs the tests, which neither the tests nor the processes they start may see. */
const personal = /^(STAMPEDE|AWS|XDG)_|^(FORCE_COLOR|NODE_OPTIONS)$/;

const prefix = "stampede-tests-";

/**
 * Gives the whole run a home and a temporary folder of its own and plain terminal output. Runs before the first worker is
 * forked, so that all of them inherit it. The folder is removed in the end, with whatever a killed process left in it.
 */
export function setup(): () => void {
  // Every project of the run asks; a folder in that of the one before would make the paths of sockets too long.
  if (basename(dirname(tmpdir())).startsWith(prefix)) return () => undefined;
  const folder = mkdtempSync(join(tmpdir(), prefix));
  for (const name of Object.keys(process.env)) {
    if (personal.test(name)) Reflect.deleteProperty(process.env, name);
  }
  Object.assign(process.env, {
    HOME: join(folder, "home"),
    TMPDIR: join(folder, "tmp"),
    NO_COLOR: "1",
    TZ: "UTC",
    ORT_DISABLE_TELEMETRY: "1",
  });
  mkdirSync(join(folder, "home"));
  mkdirSync(join(folder, "tmp"));
  return () => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
}

import { homedir } from "node:os";
import { join } from "node:path";

/** Where what is installed for benchmarks and engines stays: STAMPEDE_BENCH_HOME, else a folder among the user's caches. */
export function cacheFolder(): string {
  const { STAMPEDE_BENCH_HOME: home, XDG_CACHE_HOME: cache } = process.env;
  if (home !== undefined && home !== "") return home;
  if (process.platform === "darwin") return join(homedir(), "Library/Caches/stampede-bench");
  return join(cache === undefined || cache === "" ? join(homedir(), ".cache") : cache, "stampede-bench");
}

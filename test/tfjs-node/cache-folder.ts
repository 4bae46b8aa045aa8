import { homedir } from "node:os";
import { join } from "node:path";

/** The one that the benchmarks use: STAMPEDE_BENCH_HOME, else a folder among the user's caches. Never inside the repository. */
export function cacheFolder(): string {
  const { STAMPEDE_BENCH_HOME: home, XDG_CACHE_HOME: cache } = process.env;
  if (home !== undefined && home !== "") return home;
  return join(cache === undefined || cache === "" ? join(homedir(), ".cache") : cache, "stampede-bench");
}

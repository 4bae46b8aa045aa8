import { join } from "node:path";
import { repository } from "../report.js";

/** Loaded with --import: what the environment's STAMPEDE_BENCH_* variables take away or slow down. */
export const switchesModule = join(repository, "test/fixtures/bench/switches.js");

import { EngineName } from "@stampede/core";
import * as z from "zod";

/** What a function is given once, when it starts: the place of an environment's variables. */
export const FunctionSettings = z.strictObject({
  home: z.string(),
  /** Of the clock that all functions of this cloud share, see `clockFrom`. */
  clockOffsetMs: z.number(),
  /** How many bytes of partitions one executor keeps in memory between tasks. */
  residentBytes: z.number().int().min(0),
  /** What the next job will most likely run on, so that it can be loaded in advance. */
  likelyEngine: EngineName.optional(),
});
export type FunctionSettings = z.infer<typeof FunctionSettings>;

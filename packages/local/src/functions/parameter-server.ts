import { DeltaMessage } from "@stampede/core";
import { handleDeltaMessages } from "@stampede/training";
import * as z from "zod";
import type { ThreadContext } from "../threads/protocol.js";
import { functionDeps } from "./deps.js";

/** The function `parameter-server`: a batch of hints that deltas were committed. */
export async function handle(payload: unknown, context: ThreadContext): Promise<void> {
  await handleDeltaMessages(z.array(DeltaMessage).parse(payload), functionDeps(context));
}

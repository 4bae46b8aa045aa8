import { DeltaMessage } from "@stampede/core";
import { handleDeltaMessages, type ParameterServerDeps } from "@stampede/training";
import * as z from "zod";
import type { FunctionContext } from "../pool/protocol.js";
import { functionDeps } from "./deps.js";

/** Made once: the thread stays warm, and what is remembered of a store hangs on the store. */
let deps: ParameterServerDeps | undefined;

/** Opens the store, which makes sure that it can be written. */
export function warm(context: FunctionContext): void {
  deps ??= functionDeps(context);
}

/** The function `parameter-server`: a batch of hints that deltas were committed. */
export async function handle(payload: unknown, context: FunctionContext): Promise<void> {
  deps ??= functionDeps(context);
  await handleDeltaMessages(z.array(DeltaMessage).parse(payload), deps);
}

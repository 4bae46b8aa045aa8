import { decodeMessage, DeltaMessage } from "@stampede/core";
import { handleDeltaMessages } from "@stampede/training";
import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { handleBatch } from "./batch-of-messages.js";
import { commonDeps } from "./deps.js";
import { tellMetrics } from "./meter.js";

/** The parameter server: woken by the queue `deltas`, in batches. */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const deps = commonDeps();
  let whole: Promise<void> | undefined;
  // One look at a round for all hints of a batch; a hint that cannot be read is no reason not to look for the others.
  const messages = event.Records.flatMap(({ body }) => readable(body));
  try {
    return await handleBatch(event, context, {
      queue: deps.queues.deltas,
      lane: () => "deltas",
      handle: async ({ body }) => {
        decodeMessage(DeltaMessage, body, "deltas");
        whole ??= handleDeltaMessages(messages, deps);
        await whole;
      },
    });
  } finally {
    tellMetrics("parameter-server");
  }
}

function readable(body: string): DeltaMessage[] {
  try {
    return [decodeMessage(DeltaMessage, body, "deltas")];
  } catch {
    return [];
  }
}

import { invokeLater, lambdaClient } from "@stampede/aws";
import { decodeMessage, DeltaMessage, encodeMessage } from "@stampede/core";
import { handleDeltaMessages, type ParameterServerDeps } from "@stampede/training";
import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { handleBatch } from "./batch-of-messages.js";
import { commonDeps } from "./deps.js";
import { environment } from "./environment.js";
import { logger } from "./log.js";
import { requests, tellMetrics } from "./meter.js";

let made: ParameterServerDeps | undefined;

/**
 * The parameter server: woken by the queue `deltas`, in batches; or invoked by another one with a single message, asynchronously and without
 * a retry by the platform, to make one part of a round. What it throws then, and what kills it, reaches the driver through the queue
 * `invocations`, which puts the message on the queue `deltas`.
 */
export async function handler(event: unknown, context: Context): Promise<SQSBatchResponse | undefined> {
  try {
    if (isOfQueue(event)) return await answerHints(event, context);
    await make(DeltaMessage.parse(event));
    return undefined;
  } finally {
    tellMetrics("parameter-server");
  }
}

function isOfQueue(event: unknown): event is SQSEvent {
  return typeof event === "object" && event !== null && "Records" in event;
}

async function make(message: DeltaMessage): Promise<void> {
  const { job, round, make: node } = message;
  logger.appendKeys({ job, round, ...node });
  try {
    await handleDeltaMessages([message], deps());
  } finally {
    logger.resetKeys();
  }
}

async function answerHints(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  let whole: Promise<void> | undefined;
  // One look at a round for all hints of a batch; a hint that cannot be read is no reason not to look for the others.
  const messages = event.Records.flatMap(({ body }) => readable(body));
  return handleBatch(event, context, {
    queue: commonDeps().queues.deltas,
    lane: () => "deltas",
    handle: async ({ body }) => {
      decodeMessage(DeltaMessage, body, "deltas");
      whole ??= handleDeltaMessages(messages, deps());
      await whole;
    },
  });
}

function readable(body: string): DeltaMessage[] {
  try {
    return [decodeMessage(DeltaMessage, body, "deltas")];
  } catch {
    return [];
  }
}

function deps(): ParameterServerDeps {
  made ??= { ...commonDeps(), startServer: startServer() };
  return made;
}

function startServer(): (message: DeltaMessage) => Promise<void> {
  const server = {
    client: lambdaClient({ meter: requests }),
    functionName: environment().STAMPEDE_PARAMETER_SERVER_FUNCTION,
  };
  return (message) => invokeLater(server, encodeMessage(DeltaMessage, message));
}

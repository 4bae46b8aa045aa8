import { pipeline } from "node:stream/promises";
import { setTimeout as pause } from "node:timers/promises";
import { errorReply, refusal, type WireReply } from "./envelopes.js";
import type { Exchange } from "./exchange.js";
import type { WireFault } from "./faults.js";
import { withDelay, withOneTwice, withoutFirst, withRoom } from "./messages.js";
import { replyHeaders, statusOf, type Upstream } from "./upstream.js";

/**
 * Answers one request with what goes wrong. Bodies stream, but where a fault hits (other than `slow`) they are held in memory.
 * @throws Error when client or emulator break off
 */
export async function carryOut(exchange: Exchange, upstream: Upstream, fault: WireFault | undefined): Promise<void> {
  if (fault === undefined) return relay(exchange, upstream, 0);
  const { record } = exchange;
  const requestId = `fault-${record.number}`;
  switch (fault.kind) {
    case "error-before":
      return exchange.refuse(errorReply(record, fault.error, requestId));
    case "error-after":
      await askOnce(exchange, upstream);
      return exchange.answer(errorReply(record, fault.error, requestId));
    case "lost-reply":
      await askOnce(exchange, upstream);
      return exchange.reset();
    case "reset-before":
      return exchange.reset();
    case "conflict":
    case "precondition":
      return exchange.refuse(refusal(record, fault.kind, requestId));
    case "slow":
      return relay(exchange, upstream, fault.ms);
    case "truncated":
    case "corrupted":
      return damage(exchange, upstream, fault);
    case "duplicated":
      return record.operation === "sqs.receive" ? receiveTwice(exchange, upstream) : askTwice(exchange, upstream);
    case "delayed":
      return record.operation === "sqs.receive"
        ? withhold(exchange, upstream, fault.seconds)
        : sendLater(exchange, upstream, fault.seconds);
  }
}

async function relay(exchange: Exchange, upstream: Upstream, delayMs: number): Promise<void> {
  const { request, response, record, gone } = exchange;
  const reply = await upstream.ask(request, await exchange.stream(), gone);
  record.upstreamStatus = statusOf(reply);
  if (delayMs > 0) await pause(delayMs, undefined, { signal: gone });
  record.status = record.upstreamStatus;
  response.writeHead(statusOf(reply), replyHeaders(reply));
  await pipeline(reply, response);
}

async function askOnce(exchange: Exchange, upstream: Upstream): Promise<WireReply> {
  return ask(exchange, upstream, await exchange.whole());
}

async function ask(exchange: Exchange, upstream: Upstream, body: Buffer): Promise<WireReply> {
  const reply = await upstream.askWhole(exchange.request, body, exchange.gone);
  exchange.record.upstreamStatus = reply.status;
  return reply;
}

/** What is no object, or an empty one, has nothing to damage. */
async function damage(
  exchange: Exchange,
  upstream: Upstream,
  { kind, at }: Extract<WireFault, { readonly kind: "truncated" | "corrupted" }>,
): Promise<void> {
  const reply = await askOnce(exchange, upstream);
  if (reply.status >= 300 || reply.body.length === 0) return spare(exchange, reply);
  const index = Math.min(Math.floor(at * reply.body.length), reply.body.length - 1);
  if (kind === "truncated") return exchange.cutShort(reply, index);
  const body = Buffer.from(reply.body);
  body[index] = (reply.body[index] ?? 0) ^ 1;
  return exchange.answer({ ...reply, body });
}

/** The fault found nothing to do harm to: it is no fault. */
async function spare(exchange: Exchange, reply: WireReply): Promise<void> {
  exchange.record.fault = undefined;
  return exchange.answer(reply);
}

/** Both at the same time; the client and the log see the first one's reply. */
async function askTwice(exchange: Exchange, upstream: Upstream): Promise<void> {
  const [reply] = await Promise.all([askOnce(exchange, upstream), askOnce(exchange, upstream)]);
  exchange.record.upstreamStatus = reply.status;
  return exchange.answer(reply);
}

/** One message twice in one batch, which stays as small as was asked; a batch of one stays as it is. */
async function receiveTwice(exchange: Exchange, upstream: Upstream): Promise<void> {
  const roomy = withRoom(await exchange.whole());
  if (roomy === undefined) {
    exchange.record.fault = undefined;
    return relay(exchange, upstream, 0);
  }
  const reply = await ask(exchange, upstream, roomy);
  const twice = reply.status === 200 ? withOneTwice(reply.body) : undefined;
  return twice === undefined ? spare(exchange, reply) : exchange.answer(withBody(reply, twice));
}

async function sendLater(exchange: Exchange, upstream: Upstream, seconds: number): Promise<void> {
  return exchange.answer(await ask(exchange, upstream, withDelay(await exchange.whole(), seconds)));
}

/** A message is received, and nobody is told; it counts as a delivery. */
async function withhold(exchange: Exchange, upstream: Upstream, seconds: number): Promise<void> {
  const asked = await exchange.whole();
  const reply = await ask(exchange, upstream, asked);
  const without = reply.status === 200 ? withoutFirst(asked, reply.body, seconds) : undefined;
  if (without === undefined) return spare(exchange, reply);
  const hides = { "x-amz-target": "AmazonSQS.ChangeMessageVisibility" };
  await upstream.askWhole(exchange.request, without.hide, exchange.gone, hides);
  return exchange.answer(withBody(reply, without.reply));
}

function withBody(reply: WireReply, body: Buffer): WireReply {
  return { ...reply, headers: { ...reply.headers, "content-length": String(body.length) }, body };
}

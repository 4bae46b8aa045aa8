/** Bodies of SQS requests and replies (AWS JSON 1.0), changed as faults want it. */

type Json = Readonly<Record<string, unknown>>;

const maxDelaySeconds = 900;

/** SendMessage or SendMessageBatch with every message delayed by so much more. FIFO queues refuse a delay of their own. */
export function withDelay(body: Buffer, seconds: number): Buffer {
  const request = parse(body);
  const entries = request["Entries"];
  return write(
    Array.isArray(entries)
      ? { ...request, Entries: entries.filter(isJson).map((entry) => delayed(entry, seconds)) }
      : delayed(request, seconds),
  );
}

function delayed(message: Json, seconds: number): Json {
  const asked = message["DelaySeconds"];
  const delay = (typeof asked === "number" ? asked : 0) + seconds;
  return { ...message, DelaySeconds: Math.min(maxDelaySeconds, delay) };
}

/** ReceiveMessage that leaves room for one message more; `undefined` where only one is asked for. */
export function withRoom(body: Buffer): Buffer | undefined {
  const request = parse(body);
  const max = request["MaxNumberOfMessages"];
  return typeof max === "number" && max > 1 ? write({ ...request, MaxNumberOfMessages: max - 1 }) : undefined;
}

/** The reply to ReceiveMessage with its first message once more, at the end; `undefined` where it has none. */
export function withOneTwice(body: Buffer): Buffer | undefined {
  const { reply, messages } = received(body);
  const [first] = messages;
  return first === undefined ? undefined : write({ ...reply, Messages: [...messages, first] });
}

/**
 * The reply to ReceiveMessage without its first message, and the body of the ChangeMessageVisibility that hides that for `seconds`;
 * `undefined` where it has none.
 */
export function withoutFirst(
  requestBody: Buffer,
  body: Buffer,
  seconds: number,
): { readonly reply: Buffer; readonly hide: Buffer } | undefined {
  const { reply, messages } = received(body);
  const [first, ...others] = messages;
  if (first === undefined) return undefined;
  const hide = {
    QueueUrl: parse(requestBody)["QueueUrl"],
    ReceiptHandle: first["ReceiptHandle"],
    VisibilityTimeout: seconds,
  };
  return { reply: write({ ...reply, Messages: others }), hide: write(hide) };
}

function received(body: Buffer): { readonly reply: Json; readonly messages: readonly Json[] } {
  const reply = parse(body);
  const messages = reply["Messages"];
  return { reply, messages: Array.isArray(messages) ? messages.filter(isJson) : [] };
}

function parse(body: Buffer): Json {
  const value: unknown = JSON.parse(body.toString());
  return isJson(value) ? value : {};
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function write(value: Json): Buffer {
  return Buffer.from(JSON.stringify(value));
}

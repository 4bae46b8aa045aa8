import { refuseUnbounded, StampedeError } from "@stampede/core";

interface BodyBounds {
  readonly maxBytes: number;
  /** What all of it may take to arrive. */
  readonly ms: number;
}

/** As deep as the model of a job, which lies within. */
const jsonBounds = { maxDepth: 110, maxValues: 500_000 } as const;

/**
 * Reads a JSON body whole, in bounded time and memory.
 * @throws StampedeError `api.too-large`, `api.too-slow`, `api.invalid-request` for what is no JSON, too deep, or compressed
 */
export async function readJson(request: Request, bounds: BodyBounds): Promise<unknown> {
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") {
    throw invalid("a body of content-type application/json", JSON.stringify(type ?? "none"));
  }
  const encoding = request.headers.get("content-encoding");
  if (encoding !== null && encoding !== "identity") {
    throw invalid("a body that is not compressed", JSON.stringify(encoding));
  }
  const text = await readText(request, bounds);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid("JSON as the body", text === "" ? "nothing" : "text that is none");
  }
  refuseUnbounded(value, jsonBounds, (expected, found) => invalid(`${expected} in the body`, found));
  return value;
}

async function readText(request: Request, { maxBytes, ms }: BodyBounds): Promise<string> {
  refuseAnnounced(request, maxBytes);
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), ms);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of chunksOf(request, () => late.signal)) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      chunks.push(chunk);
    }
  } finally {
    clearTimeout(timer);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw invalid("UTF-8 as the body", "other bytes");
  }
}

/**
 * The bytes of an upload as they come.
 * @param pauseMs after so long without any, it is given up
 * @throws StampedeError `api.too-large`, `api.too-slow`
 */
export async function* readBytes(
  request: Request,
  { maxBytes, pauseMs }: { readonly maxBytes: number; readonly pauseMs: number },
): AsyncGenerator<Uint8Array> {
  refuseAnnounced(request, maxBytes);
  let bytes = 0;
  const signalOfNext = (): AbortSignal => AbortSignal.timeout(pauseMs);
  for await (const chunk of chunksOf(request, signalOfNext)) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    yield chunk;
  }
}

/** @throws StampedeError `api.too-large` */
function refuseAnnounced(request: Request, maxBytes: number): void {
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge(maxBytes);
}

/** @param signalOfNext ends the waiting for the next piece */
async function* chunksOf(request: Request, signalOfNext: () => AbortSignal): AsyncGenerator<Uint8Array> {
  const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = request.body?.getReader();
  if (reader === undefined) return;
  let isWhole = false;
  try {
    for (;;) {
      const { done, value } = await orTooSlow(reader.read(), signalOfNext());
      if (done) break;
      yield value;
    }
    isWhole = true;
  } finally {
    // What is still to come is not wanted; whoever sends it need not be waited for.
    if (!isWhole) reader.cancel().catch(() => undefined);
  }
}

async function orTooSlow<T>(read: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop: () => void = () => undefined;
  const late = new Promise<never>((_, reject) => {
    stop = () => reject(tooSlow());
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([read, late]);
  } finally {
    signal.removeEventListener("abort", stop);
    late.catch(() => undefined);
  }
}

function invalid(expected: string, found: string): StampedeError {
  return new StampedeError("api.invalid-request", `Expected ${expected}, found ${found}. Nothing was started.`);
}

function tooLarge(maxBytes: number): StampedeError {
  return new StampedeError(
    "api.too-large",
    `Expected a body of at most ${maxBytes} bytes, found more. Nothing was started.`,
  );
}

function tooSlow(): StampedeError {
  return new StampedeError(
    "api.too-slow",
    "Expected the body of the request sooner; the rest of it did not come. Nothing was started.",
  );
}

import { setTimeout as sleep } from "node:timers/promises";
import { Problem, type Operation } from "@stampede/api/contract";
import { errorCatalogue, StampedeError, type ErrorCode } from "@stampede/core";
import type * as z from "zod";

export interface EndpointOptions {
  /** `http://127.0.0.1:4747`, or where a deployment is. */
  readonly url: string;
  /** A bearer token of the endpoint. */
  readonly token: string;
}

/** What an operation is asked for with. */
export interface Call {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** So long an endpoint may be away before whoever asks hears of it. */
const patienceMs = 30_000;
const pauseMs = 500;
/** Answers that another try may better. */
const passing: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Speaks to the HTTP API. Every request is one of its operations. */
export class Endpoint {
  readonly url: string;
  readonly #token: string;

  /** @throws StampedeError `option.invalid` */
  constructor({ url, token }: EndpointOptions) {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    if (parsed?.protocol !== "http:" && parsed?.protocol !== "https:") {
      const message = `Expected the URL of an endpoint, found ${JSON.stringify(url)}. Nothing was started.`;
      throw new StampedeError("option.invalid", message);
    }
    if (!/^\S{1,200}$/.test(token)) {
      throw new StampedeError("option.invalid", "Expected a token for the endpoint, found none. Nothing was started.");
    }
    // Behind a path, as a stage of API Gateway or a proxy has one.
    this.url = parsed.origin + parsed.pathname.replace(/\/+$/, "");
    this.#token = token;
  }

  /**
   * The answer, read as the schema has it.
   * @throws StampedeError the error that the endpoint answers with; `api.unavailable`
   */
  async read<S extends z.ZodType>(schema: S, operation: Operation, call: Call = {}): Promise<z.output<S>> {
    const response = await this.ask(operation, call);
    const parsed = schema.safeParse(await response.json().catch(() => undefined));
    if (parsed.success) return parsed.data;
    throw unavailable(`${this.url} answered with something else to ${operation.path}`, parsed.error);
  }

  /**
   * The answer as it comes. Asks again for a while where nothing answers: every operation may be asked for twice to the same effect.
   * @throws StampedeError the error that the endpoint answers with; `api.unavailable`
   */
  async ask(operation: Operation, call: Call = {}): Promise<Response> {
    const until = performance.now() + patienceMs;
    for (;;) {
      const response = await this.#once(operation, call).catch((error: unknown) => {
        call.signal?.throwIfAborted();
        if (performance.now() >= until) throw unavailable(`${this.url} does not answer`, error);
        return undefined;
      });
      if (response?.ok === true) return response;
      if (response !== undefined && !(passing.has(response.status) && performance.now() < until)) {
        throw await errorOf(response, this.url);
      }
      await sleep(waitOf(response), undefined, { signal: call.signal });
    }
  }

  /** Puts the bytes of a file where an upload has a place for them: here, or at an address that is signed. */
  async put(place: string, body: ReadableStream<Uint8Array>, bytes: number): Promise<string | undefined> {
    const isOurs = place.startsWith("/");
    const url = isOurs ? `${this.url}${place}` : place;
    const headers = { "Content-Length": String(bytes), ...(isOurs && this.#authorization) };
    const init = { method: "PUT", body, headers, duplex: "half" } as const;
    const response = await fetch(url, init).catch((error: unknown) => {
      throw unavailable(`${new URL(url).origin} did not take an upload`, error);
    });
    if (!response.ok) throw await errorOf(response, this.url);
    await response.arrayBuffer();
    return response.headers.get("etag") ?? undefined;
  }

  get #authorization(): Record<string, string> {
    return { Authorization: `Bearer ${this.#token}` };
  }

  #once(operation: Operation, { params = {}, query, headers, json, signal }: Call): Promise<Response> {
    const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
    const url = new URL(this.url + path);
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
    return fetch(url, {
      method: operation.method.toUpperCase(),
      headers: {
        ...this.#authorization,
        ...(json !== undefined && { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(json !== undefined && { body: JSON.stringify(json) }),
      ...(signal && { signal }),
    });
  }
}

function waitOf(response: Response | undefined): number {
  const seconds = Number(response?.headers.get("retry-after") ?? 0);
  return seconds > 0 && seconds <= patienceMs / 1000 ? seconds * 1000 : pauseMs;
}

/** The problem that the endpoint tells, as the error that it was there. */
async function errorOf(response: Response, url: string): Promise<StampedeError> {
  const parsed = Problem.safeParse(await response.json().catch(() => undefined));
  if (!parsed.success || !isErrorCode(parsed.data.code)) {
    return unavailable(`${url} answered with HTTP ${response.status}`);
  }
  return new StampedeError(parsed.data.code, parsed.data.detail, { details: { request: parsed.data.instance } });
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCatalogue, code);
}

function unavailable(found: string, cause?: unknown): StampedeError {
  return new StampedeError("api.unavailable", `Expected an answer of a Stampede endpoint, but ${found}.`, { cause });
}

import { parseInput, StampedeError } from "@stampede/core";
import type { Context, Hono } from "hono";
import type * as z from "zod";
import type { Given, Operation } from "../contract/operation.js";
import type { TokenRecord } from "../tokens/record.js";
import { Gate, RateLimited } from "./auth.js";
import { readJson } from "./body.js";
import { defaultLimits, type ApiDeps, type ApiLimits } from "./deps.js";
import { problemOf } from "./problem.js";

/** What a handler knows of a request, beside what its operation says. */
export interface Asked {
  readonly request: Request;
  readonly token: TokenRecord | undefined;
}

export type Answer =
  | { readonly status: 200 | 201 | 202; readonly json: unknown; readonly location?: string }
  | Response;

/** Binds operations to what does them. */
export class Router {
  readonly #app: Hono;
  readonly #deps: ApiDeps;
  readonly #limits: ApiLimits;
  readonly #gate: Gate;

  constructor(app: Hono, deps: ApiDeps) {
    this.#app = app;
    this.#deps = deps;
    this.#limits = { ...defaultLimits, ...deps.limits };
    this.#gate = new Gate(deps, this.#limits);
    app.notFound((c) => this.#answer(c, undefined, async () => Promise.reject(noSuchPath())));
  }

  get limits(): ApiLimits {
    return this.#limits;
  }

  route<O extends Operation>(described: O, handle: (given: Given<O>, asked: Asked) => Answer | Promise<Answer>): void {
    const path = described.path.replaceAll(/\{(\w+)\}/g, ":$1");
    this.#app.on(described.method.toUpperCase(), path, (c) =>
      this.#answer(c, described, async (remember) => {
        const token = await this.#gate.admit(c.req.raw, described, c.env);
        remember(token);
        const given = await this.#read(described, c);
        return handle(given, { request: c.req.raw, token });
      }),
    );
  }

  /** Answers, says so in the log, and makes of every error the problem that it is. */
  async #answer(
    c: Context,
    described: Operation | undefined,
    work: (remember: (token: TokenRecord | undefined) => void) => Promise<Answer>,
  ): Promise<Response> {
    const { unique, clock, log } = this.#deps;
    const began = clock.now();
    const request = unique.hex(16);
    let token: TokenRecord | undefined;
    const note = (status: number, more: { readonly code?: string; readonly error?: string } = {}): void => {
      const path = described?.path ?? "(none)";
      const who = token && { token: token.id };
      log({ request, method: c.req.method, path, status, ms: clock.now() - began, ...who, ...more });
    };
    c.header("X-Request-Id", request);
    try {
      const answer = await work((admitted) => {
        token = admitted;
      });
      if (answer instanceof Response) {
        note(answer.status);
        return this.#dressed(c, answer);
      }
      note(answer.status);
      if (answer.location !== undefined) c.header("Location", answer.location);
      return c.json(answer.json, answer.status);
    } catch (error) {
      const { problem, status, hidden } = problemOf(error, request);
      note(status, { code: problem.code, ...(hidden !== undefined && { error: hidden }) });
      if (error instanceof RateLimited) c.header("Retry-After", String(error.retryAfterSeconds));
      if (status === 401) c.header("WWW-Authenticate", "Bearer");
      // Of its body there may be more to come, which would be taken for the next request.
      if (status === 408 || status === 413) c.header("Connection", "close");
      const type = { "Content-Type": "application/problem+json" };
      return c.body(JSON.stringify(problem), status, type);
    }
  }

  #dressed(c: Context, answer: Response): Response {
    return c.newResponse(answer.body, answer);
  }

  async #read<O extends Operation>(described: O, c: Context): Promise<Given<O>> {
    const { params, query, headers, body }: Operation = described;
    const header = (name: string): string | undefined => c.req.header(name);
    const given = {
      params: params && parse(params, c.req.param(), "The path"),
      query: query && parse(query, queryOf(c, query), "The query"),
      headers: headers && parse(headers, picked(headers, header), "The headers"),
      body: body && (await this.#readBody(body, c)),
    };
    return checked(described, given);
  }

  async #readBody({ schema, maxBytes }: NonNullable<Operation["body"]>, c: Context): Promise<unknown> {
    const value = await readJson(c.req.raw, { maxBytes, ms: this.#limits.bodyMs });
    return parseInput(schema, value, { code: "job-file.invalid", what: "The body" });
  }
}

/** Says that what was parsed by the schemas of an operation is what its handler takes. */
function checked<O extends Operation>(described: O, given: unknown): Given<O>;
function checked(_: Operation, given: unknown): unknown {
  return given;
}

function parse(schema: z.ZodObject, value: unknown, what: string): unknown {
  return parseInput(schema.strict(), value, { code: "api.invalid-request", what });
}

/** Each name once; names that the operation does not know are refused with it. */
function queryOf(c: Context, schema: z.ZodObject): Record<string, string> {
  const all = c.req.queries();
  const twice = Object.keys(all).find((name) => (all[name]?.length ?? 0) > 1 && name in schema.shape);
  if (twice === undefined) return c.req.query();
  throw new StampedeError(
    "api.invalid-request",
    `Expected ${twice} once in the query, found it twice. Nothing was started.`,
  );
}

function picked(schema: z.ZodObject, header: (name: string) => string | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.keys(schema.shape).flatMap((name): [string, string][] => {
      const value = header(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function noSuchPath(): StampedeError {
  return new StampedeError(
    "api.not-found",
    "Expected a path and method of the endpoint, found another. Nothing was started.",
  );
}

import type * as z from "zod";

/** What a token may do; each scope has all rights of those before it. */
export const scopes = ["read", "submit", "admin"] as const;
export type Scope = (typeof scopes)[number];

/** What comes back. `json` follows a schema; the others are bytes of a type. */
export type Reply =
  | { readonly json: z.ZodType; readonly what: string }
  | { readonly types: readonly string[]; readonly what: string }
  | { readonly what: string };

/** One thing that the endpoint does: how it is asked for, and what it may answer. */
export interface Operation {
  readonly method: "get" | "post" | "put";
  /** With parameters in braces, as in OpenAPI. */
  readonly path: string;
  /** What the token must allow; `none` wants no token. */
  readonly scope: Scope | "none";
  readonly summary: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly headers?: z.ZodObject;
  /** A JSON body of at most so many bytes. */
  readonly body?: { readonly schema: z.ZodType; readonly maxBytes: number };
  /** A body of any bytes; its size is bounded by who serves it. */
  readonly bytes?: true;
  readonly replies: Readonly<Record<number, Reply>>;
}

/** Keeps the types of an operation, which its handler and its callers follow. */
export function operation<const O extends Operation>(described: O): O {
  return described;
}

type Output<S> = S extends z.ZodType ? z.output<S> : undefined;
type BodyOf<O extends Operation> = O["body"] extends { readonly schema: infer S } ? Output<S> : undefined;

/** What a handler is given: all of it checked. */
export interface Given<O extends Operation> {
  readonly params: Output<O["params"]>;
  readonly query: Output<O["query"]>;
  readonly headers: Output<O["headers"]>;
  readonly body: BodyOf<O>;
}

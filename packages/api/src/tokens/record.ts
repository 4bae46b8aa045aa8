import { TokenId } from "@stampede/core";
import * as z from "zod";
import { scopes } from "../contract/operation.js";

/** What is kept of a token: enough to know it again, not to be it. `tokens/<id>.json` */
export const TokenRecord = z.strictObject({
  version: z.literal(1),
  id: TokenId,
  /** Of the whole token, in hex. It is 256 random bits, so that a slow hash would protect nothing more. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** For people. */
  name: z.string().min(1).max(200),
  scope: z.enum(scopes),
  /** Milliseconds since the epoch, here and below. */
  createdAt: z.number().min(0),
  expiresAt: z.number().min(0).optional(),
});
export type TokenRecord = z.infer<typeof TokenRecord>;

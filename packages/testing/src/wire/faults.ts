/** What AWS answers when it will not or cannot; which code and status that is differs from service to service, see `errorReply`. */
export type WireError = "throttled" | "unavailable" | "internal";

/** What goes wrong with one HTTP request. */
export type WireFault =
  /** Nothing is done; an error is answered. */
  | { readonly kind: "error-before"; readonly error: WireError }
  /** It is done; an error is answered. */
  | { readonly kind: "error-after"; readonly error: WireError }
  /** It is done; the connection is reset in place of the reply. */
  | { readonly kind: "lost-reply" }
  /** Nothing is done; the connection is reset. */
  | { readonly kind: "reset-before" }
  /** Nothing is done; 409 `ConditionalRequestConflict`. */
  | { readonly kind: "conflict" }
  /** Nothing is done; 412, although the condition may hold. A lie that AWS does not tell: only for one chosen request. */
  | { readonly kind: "precondition" }
  /** It is done at once, and answered `ms` later. */
  | { readonly kind: "slow"; readonly ms: number }
  /** The reply's body ends at `at` (0 ... 1) of the length that its headers name, and with it the connection. */
  | { readonly kind: "truncated"; readonly at: number }
  /** One bit of the reply's body is wrong, at `at` (0 ... 1) of its length. */
  | { readonly kind: "corrupted"; readonly at: number }
  /** A message is sent, a function invoked twice; one message comes twice in one batch. */
  | { readonly kind: "duplicated" }
  /** A sent message is visible `seconds` later than asked; of a received batch, the first message is withheld for so long. */
  | { readonly kind: "delayed"; readonly seconds: number };

export type WireFaultKind = WireFault["kind"];

const always = ["error-before", "error-after", "lost-reply", "reset-before", "slow"] as const;
const conditional = [...always, "conflict", "precondition"] as const;
const body = [...always, "truncated", "corrupted"] as const;
const messages = [...always, "duplicated", "delayed"] as const;

/** The operations that are told apart on the wire, and what can go wrong with each. */
export const wireFaultsOf = {
  /** PutObject without a condition. */
  "s3.put": always,
  /** PutObject with If-None-Match. */
  "s3.create": conditional,
  /** PutObject with If-Match. */
  "s3.replace": conditional,
  "s3.get": body,
  /** GetObject with a Range. */
  "s3.get-range": body,
  "s3.head": always,
  /** ListObjectsV2: one page. */
  "s3.list": always,
  "s3.delete": always,
  /** DeleteObjects. */
  "s3.delete-many": always,
  "s3.multipart-begin": always,
  "s3.multipart-part": always,
  "s3.multipart-complete": conditional,
  "s3.multipart-abort": always,
  "sqs.send": messages,
  "sqs.send-batch": messages,
  "sqs.receive": messages,
  "sqs.delete": always,
  "sqs.delete-batch": always,
  "sqs.change-visibility": always,
  "sqs.change-visibility-batch": always,
  "lambda.invoke": [...always, "duplicated"],
  /** Everything else: it passes. */
  other: [],
} as const satisfies Record<string, readonly WireFaultKind[]>;

export type WireOperation = keyof typeof wireFaultsOf;

export function canFail(operation: WireOperation, kind: WireFaultKind): boolean {
  const kinds: readonly WireFaultKind[] = wireFaultsOf[operation];
  return kinds.includes(kind);
}

import type { WireError } from "./faults.js";
import type { WireRequest } from "./recognise.js";

/** A reply that is whole in memory. Header names are in lower case. */
export interface WireReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer;
}

interface AwsError {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

const objectErrors = {
  throttled: { status: 503, code: "SlowDown", message: "Please reduce your request rate." },
  unavailable: { status: 503, code: "ServiceUnavailable", message: "Service is unable to handle request." },
  internal: { status: 500, code: "InternalError", message: "We encountered an internal error. Please try again." },
  conflict: {
    status: 409,
    code: "ConditionalRequestConflict",
    message: "The conditional request cannot succeed due to a conflicting operation against this resource.",
  },
  precondition: {
    status: 412,
    code: "PreconditionFailed",
    message: "At least one of the pre-conditions you specified did not hold",
  },
} as const satisfies Record<string, AwsError>;

const queueErrors: Record<WireError, AwsError> = {
  throttled: { status: 403, code: "RequestThrottled", message: "The request was denied due to request throttling." },
  unavailable: {
    status: 503,
    code: "ServiceUnavailable",
    message: "The request has failed; the server is unavailable.",
  },
  internal: {
    status: 500,
    code: "InternalFailure",
    message: "The request processing has failed for an unknown reason.",
  },
};

const functionErrors: Record<WireError, AwsError> = {
  throttled: { status: 429, code: "TooManyRequestsException", message: "Rate Exceeded." },
  unavailable: { status: 503, code: "ServiceUnavailableException", message: "Service is temporarily unavailable." },
  internal: { status: 500, code: "ServiceException", message: "The service encountered an internal error." },
};

/** An error as the service of the request words it: S3 in XML, SQS in AWS JSON 1.0, Lambda in JSON. Of a HEAD, the caller leaves out the body. */
export function errorReply(request: WireRequest, error: WireError, requestId: string): WireReply {
  if (request.operation.startsWith("sqs.")) return queueError(queueErrors[error], requestId);
  if (request.operation === "lambda.invoke") return functionError(functionErrors[error], requestId);
  return objectError(request, objectErrors[error], requestId);
}

/** S3 refuses a conditional write: 409 or 412. */
export function refusal(request: WireRequest, kind: "conflict" | "precondition", requestId: string): WireReply {
  return objectError(request, objectErrors[kind], requestId);
}

function objectError(request: WireRequest, { status, code, message }: AwsError, requestId: string): WireReply {
  const resource = escape(`/${request.subject}`);
  const text = [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    `<Error><Code>${code}</Code><Message>${message}</Message>`,
    `<Resource>${resource}</Resource><RequestId>${requestId}</RequestId><HostId>fault-proxy</HostId></Error>`,
  ].join("");
  return reply(status, text, { "content-type": "application/xml", "x-amz-request-id": requestId });
}

function queueError({ status, code, message }: AwsError, requestId: string): WireReply {
  const fault = status >= 500 ? "Receiver" : "Sender";
  return reply(status, JSON.stringify({ __type: `com.amazonaws.sqs#${code}`, message }), {
    "content-type": "application/x-amz-json-1.0",
    "x-amzn-requestid": requestId,
    "x-amzn-query-error": `${code};${fault}`,
  });
}

function functionError({ status, code, message }: AwsError, requestId: string): WireReply {
  const whose =
    status === 429
      ? { Reason: "ReservedFunctionConcurrentInvocationLimitExceeded", Type: "User", message }
      : { Type: "Service", Message: message };
  return reply(status, JSON.stringify(whose), {
    "content-type": "application/json",
    "x-amzn-requestid": requestId,
    "x-amzn-errortype": code,
  });
}

function reply(status: number, text: string, headers: Record<string, string>): WireReply {
  const body = Buffer.from(text);
  return { status, headers: { ...headers, "content-length": String(body.length) }, body };
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

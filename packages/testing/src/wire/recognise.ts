import type { WireOperation } from "./faults.js";

/** What of a request is seen before its body. */
export interface RequestHead {
  readonly method: string;
  /** As it stands in the request line, with the query. */
  readonly url: string;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** What a request asks of AWS. */
export interface WireRequest {
  readonly operation: WireOperation;
  /** What it is done to: `bucket/key`, `bucket/prefix` of a list, a queue's name, a function's name. */
  readonly subject: string;
  /** Which part of it: `bytes=0-99`, `part 2`, a list's continuation token; empty for all of it. */
  readonly part: string;
  /** Which try of the SDK's own this is, from 1; 1 where a client does not say. */
  readonly attempt: number;
  /** The SDK gives up when this one fails as well. */
  readonly isLastAttempt: boolean;
}

/**
 * Tells from the request line and headers, and for SQS from the body, what is asked. Which service it is stands in the scope of the
 * signature; a request without a signature is `other`.
 * @param body of a request to SQS, where the queue's name is; otherwise it is not looked at
 */
export function recognise(head: RequestHead, body?: Uint8Array): WireRequest {
  const url = new URL(head.url, "http://wire");
  return { ...target(head, url, body), ...attemptOf(header(head, "amz-sdk-request")) };
}

/** The service that a request was signed for. */
export function serviceOf(head: RequestHead): string {
  const credential = new URL(head.url, "http://wire").searchParams.get("X-Amz-Credential");
  const scope = credential ?? /Credential=([^,\s]+)/.exec(header(head, "authorization"))?.[1] ?? "";
  // key id / date / region / service / aws4_request
  return scope.split("/").at(-2) ?? "";
}

type Target = Pick<WireRequest, "operation" | "subject" | "part">;

function target(head: RequestHead, url: URL, body: Uint8Array | undefined): Target {
  switch (serviceOf(head)) {
    case "s3":
      return objectTarget(head, url);
    case "sqs":
      return queueTarget(head, body);
    case "lambda":
      return functionTarget(head, url);
    default:
      return otherTarget(url);
  }
}

function otherTarget(url: URL): Target {
  return { operation: "other", subject: url.pathname, part: "" };
}

/** Anything else in a query is another operation: `?acl`, `?tagging`, `?versions`. */
const knownQuery =
  /^(x-id|x-amz-.*|response-.*|partNumber|uploadId|uploads|delete|list-type|prefix|delimiter|encoding-type|start-after|continuation-token|max-keys|fetch-owner)$/i;

function objectTarget(head: RequestHead, url: URL): Target {
  const { bucket, key } = objectName(header(head, "host"), url.pathname);
  const query = url.searchParams;
  const operation = [...query.keys()].every((name) => knownQuery.test(name))
    ? objectOperation(head, query, key !== "")
    : "other";
  const subject = `${bucket}/${operation === "s3.list" ? (query.get("prefix") ?? "") : key}`;
  return { operation, subject, part: objectPart(head, operation, query) };
}

function objectOperation(head: RequestHead, query: URLSearchParams, hasKey: boolean): WireOperation {
  const isUpload = query.has("uploadId");
  switch (head.method) {
    case "PUT":
      if (!hasKey || header(head, "x-amz-copy-source") !== "") return "other";
      return isUpload ? "s3.multipart-part" : putOperation(head);
    case "GET":
      if (!hasKey) return query.has("list-type") ? "s3.list" : "other";
      if (isUpload) return "other";
      return header(head, "range") === "" ? "s3.get" : "s3.get-range";
    case "HEAD":
      return hasKey ? "s3.head" : "other";
    case "DELETE":
      if (!hasKey) return "other";
      return isUpload ? "s3.multipart-abort" : "s3.delete";
    case "POST":
      if (!hasKey) return query.has("delete") ? "s3.delete-many" : "other";
      if (isUpload) return "s3.multipart-complete";
      return query.has("uploads") ? "s3.multipart-begin" : "other";
    default:
      return "other";
  }
}

function putOperation(head: RequestHead): WireOperation {
  if (header(head, "if-none-match") !== "") return "s3.create";
  return header(head, "if-match") === "" ? "s3.put" : "s3.replace";
}

function objectPart(head: RequestHead, operation: WireOperation, query: URLSearchParams): string {
  if (operation === "s3.get-range") return header(head, "range");
  if (operation === "s3.multipart-part") return `part ${query.get("partNumber") ?? ""}`;
  return operation === "s3.list" ? (query.get("continuation-token") ?? "") : "";
}

/** By path (`host/bucket/key`), or by host (`bucket.s3.region.amazonaws.com/key`, `bucket.localhost/key`). */
function objectName(host: string, path: string): { readonly bucket: string; readonly key: string } {
  const hosted = /^(.+?)\.(?:s3[.-].*|localhost)$/.exec(host.replace(/:\d+$/, ""))?.[1];
  const decoded = decode(path.slice(1));
  if (hosted !== undefined) return { bucket: hosted, key: decoded };
  const slash = decoded.indexOf("/");
  return slash === -1
    ? { bucket: decoded, key: "" }
    : { bucket: decoded.slice(0, slash), key: decoded.slice(slash + 1) };
}

const queueOperations: ReadonlyMap<string, WireOperation> = new Map([
  ["SendMessage", "sqs.send"],
  ["SendMessageBatch", "sqs.send-batch"],
  ["ReceiveMessage", "sqs.receive"],
  ["DeleteMessage", "sqs.delete"],
  ["DeleteMessageBatch", "sqs.delete-batch"],
  ["ChangeMessageVisibility", "sqs.change-visibility"],
  ["ChangeMessageVisibilityBatch", "sqs.change-visibility-batch"],
]);

function queueTarget(head: RequestHead, body: Uint8Array | undefined): Target {
  const action = header(head, "x-amz-target").replace(/^AmazonSQS\./, "");
  const queueUrl = /"QueueUrl"\s*:\s*"([^"]*)"/.exec(new TextDecoder().decode(body))?.[1] ?? "";
  return {
    operation: queueOperations.get(action) ?? "other",
    subject: queueUrl.slice(queueUrl.lastIndexOf("/") + 1),
    part: "",
  };
}

function functionTarget(head: RequestHead, url: URL): Target {
  const given = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(url.pathname)?.[1];
  if (head.method !== "POST" || given === undefined) return otherTarget(url);
  // A name, or an ARN that has one: arn:aws:lambda:region:account:function:name[:qualifier]
  const words = decode(given).split(":");
  const name = words[words.indexOf("function") + 1] ?? given;
  return { operation: "lambda.invoke", subject: name, part: "" };
}

/** `attempt=1; max=3` */
function attemptOf(given: string): Pick<WireRequest, "attempt" | "isLastAttempt"> {
  const attempt = Number(/attempt=(\d+)/.exec(given)?.[1] ?? 1);
  const max = Number(/max=(\d+)/.exec(given)?.[1] ?? Number.POSITIVE_INFINITY);
  return { attempt, isLastAttempt: attempt >= max };
}

function header(head: RequestHead, name: string): string {
  const value = head.headers[name];
  return (typeof value === "string" ? value : value?.[0]) ?? "";
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

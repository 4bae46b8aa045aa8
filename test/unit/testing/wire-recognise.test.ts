import { recognise, type RequestHead } from "@stampede/testing";
import { describe, expect, it } from "vitest";

const signedFor = (service: string): Record<string, string> => ({
  host: "127.0.0.1:4566",
  authorization: `AWS4-HMAC-SHA256 Credential=test/20261128/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`,
});

/** A request as the SDK makes it: `PUT /bucket/key?x-id=PutObject`. */
const s3 = (line: string, headers: Record<string, string> = {}): RequestHead => {
  const [method = "", url = ""] = line.split(" ");
  return { method, url, headers: { ...signedFor("s3"), ...headers } };
};

describe("what is asked of S3", () => {
  it.each([
    ["PUT /bkt/a?x-id=PutObject", {}, "s3.put", "bkt/a"],
    ["PUT /bkt/a%20b/%C3%BC.json?x-id=PutObject", { "if-none-match": "*" }, "s3.create", "bkt/a b/ü.json"],
    ["PUT /bkt/a?x-id=PutObject", { "if-match": '"e"' }, "s3.replace", "bkt/a"],
    ["PUT /bkt/a?x-id=CopyObject", { "x-amz-copy-source": "bkt/b" }, "other", "bkt/a"],
    ["PUT /bkt/a?tagging=", {}, "other", "bkt/a"],
    ["PUT /bkt", {}, "other", "bkt/"],
    ["GET /bkt/a?x-id=GetObject", {}, "s3.get", "bkt/a"],
    ["HEAD /bkt/a", {}, "s3.head", "bkt/a"],
    ["HEAD /bkt", {}, "other", "bkt/"],
    ["GET /bkt/?list-type=2&prefix=jobs%2F", {}, "s3.list", "bkt/jobs/"],
    ["GET /bkt/?location=", {}, "other", "bkt/"],
    ["DELETE /bkt/a?x-id=DeleteObject", {}, "s3.delete", "bkt/a"],
    ["POST /bkt/?delete=", {}, "s3.delete-many", "bkt/"],
    ["POST /bkt/a?uploads=", {}, "s3.multipart-begin", "bkt/a"],
    ["POST /bkt/a?uploadId=u", { "if-none-match": "*" }, "s3.multipart-complete", "bkt/a"],
    ["DELETE /bkt/a?uploadId=u&x-id=AbortMultipartUpload", {}, "s3.multipart-abort", "bkt/a"],
    ["GET /bkt/%E0%A4%A", {}, "s3.get", "bkt/%E0%A4%A"],
  ])("%s %o is %s of %s", (line, headers, operation, subject) => {
    expect(recognise(s3(line, headers))).toMatchObject({ operation, subject, part: "" });
  });

  it("parts of one object are told apart", () => {
    const part = s3("PUT /bkt/a?partNumber=2&uploadId=u&x-id=UploadPart");
    expect(recognise(part)).toMatchObject({ operation: "s3.multipart-part", part: "part 2" });
    const range = s3("GET /bkt/a?x-id=GetObject", { range: "bytes=0-9" });
    expect(recognise(range)).toMatchObject({ operation: "s3.get-range", part: "bytes=0-9" });
    const page = s3("GET /bkt/?list-type=2&continuation-token=t");
    expect(recognise(page)).toMatchObject({ operation: "s3.list", subject: "bkt/", part: "t" });
  });

  it.each(["bkt.s3.us-east-1.amazonaws.com", "bkt.s3.localhost:4566", "bkt.localhost:4566"])(
    "the bucket may stand in the host %s",
    (host) => {
      expect(recognise(s3("GET /a/b?x-id=GetObject", { host }))).toMatchObject({ subject: "bkt/a/b" });
    },
  );

  it("a presigned URL carries its service in the query", () => {
    const url =
      "/bkt/a?X-Amz-Credential=test%2F20261128%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Expires=900&x-id=GetObject";
    const head = { method: "GET", url, headers: { host: "127.0.0.1" } };
    expect(recognise(head)).toMatchObject({ operation: "s3.get", subject: "bkt/a" });
  });
});

describe("what is asked of SQS", () => {
  const body = new TextEncoder().encode('{"QueueUrl":"http://127.0.0.1:4566/000000000000/tasks","MessageBody":"x"}');

  it.each([
    ["SendMessage", "sqs.send"],
    ["SendMessageBatch", "sqs.send-batch"],
    ["ReceiveMessage", "sqs.receive"],
    ["DeleteMessage", "sqs.delete"],
    ["DeleteMessageBatch", "sqs.delete-batch"],
    ["ChangeMessageVisibility", "sqs.change-visibility"],
    ["ChangeMessageVisibilityBatch", "sqs.change-visibility-batch"],
    ["GetQueueAttributes", "other"],
  ])("%s is %s of the queue in its body", (action, operation) => {
    const headers = { ...signedFor("sqs"), "x-amz-target": `AmazonSQS.${action}` };
    expect(recognise({ method: "POST", url: "/", headers }, body)).toMatchObject({ operation, subject: "tasks" });
  });
});

describe("what is asked of Lambda", () => {
  const ask = (url: string) => recognise({ method: "POST", url, headers: signedFor("lambda") });

  it("an invocation names its function, as a name or an ARN", () => {
    const invoke = { operation: "lambda.invoke", subject: "executor" };
    expect(ask("/2015-03-31/functions/executor/invocations")).toMatchObject(invoke);
    const arn = encodeURIComponent("arn:aws:lambda:us-east-1:000000000000:function:executor:live");
    expect(ask(`/2015-03-31/functions/${arn}/invocations`)).toMatchObject(invoke);
  });

  it("anything else passes", () => {
    expect(ask("/2015-03-31/functions")).toMatchObject({ operation: "other" });
  });
});

describe("who asks", () => {
  it("the SDK says which of its tries it is", () => {
    const asked = (headers: Record<string, string>) => recognise(s3("GET /bkt/a", headers));
    expect(asked({ "amz-sdk-request": "attempt=2; max=3" })).toMatchObject({ attempt: 2, isLastAttempt: false });
    expect(asked({ "amz-sdk-request": "attempt=3; max=3" })).toMatchObject({ attempt: 3, isLastAttempt: true });
    expect(asked({})).toMatchObject({ attempt: 1, isLastAttempt: false });
  });

  it("a request that is not signed is of no service", () => {
    const head = { method: "PUT", url: "/bkt/a", headers: { host: "127.0.0.1" } };
    expect(recognise(head)).toMatchObject({ operation: "other", subject: "/bkt/a" });
  });
});

import { fc, test } from "@fast-check/vitest";
import {
  errorReply,
  refusal,
  WireFate,
  wireFaultsOf,
  type WireFault,
  type WireOperation,
  type WireRequest,
} from "@stampede/testing";
import { describe, expect, it } from "vitest";

fc.configureGlobal({ seed: 1 });

const asked = (operation: WireOperation, subject = "bkt/a", changes: Partial<WireRequest> = {}): WireRequest => ({
  operation,
  subject,
  part: "",
  attempt: 1,
  isLastAttempt: false,
  ...changes,
});

const lost: WireFault = { kind: "lost-reply" };
const slow: WireFault = { kind: "slow", ms: 1 };
const operations: readonly WireOperation[] = ["s3.get", "s3.create", "s3.list", "sqs.send", "lambda.invoke"];
const requests = fc.array(
  fc.record({ operation: fc.constantFrom(...operations), subject: fc.constantFrom("bkt/a", "bkt/b") }),
  { maxLength: 100 },
);
const rules = [
  { fault: lost, chance: 0.3 },
  { fault: slow, chance: 0.3 },
] as const;

/** What hits each request, by who asks for the how-manieth time. */
function hits(
  fate: WireFate,
  given: readonly Pick<WireRequest, "operation" | "subject">[],
): ReadonlyMap<string, unknown> {
  return new Map(
    given.map(({ operation, subject }) => {
      const { occurrence, fault } = fate.decide(asked(operation, subject));
      return [`${operation} ${subject} ${occurrence}`, fault];
    }),
  );
}

describe("chance", () => {
  test.prop([requests, fc.integer(), fc.integer()])(
    "the same seed hits the same requests, in whatever order others come",
    (given, seed, order) => {
      const shuffled = given
        .map((request, at) => ({ request, at }))
        .toSorted((a, b) => ((a.at ^ order) >>> 0) - ((b.at ^ order) >>> 0));
      const there = hits(new WireFate({ rules }, seed), given);
      const again = hits(
        new WireFate({ rules }, seed),
        shuffled.map(({ request }) => request),
      );
      expect(Object.fromEntries(again)).toEqual(Object.fromEntries(there));
    },
  );

  test.prop([requests, fc.integer()])("a rule more takes no hit from the rules before it", (given, seed) => {
    const one = hits(new WireFate({ rules: rules.slice(0, 1) }, seed), given);
    const both = hits(new WireFate({ rules }, seed), given);
    for (const [request, fault] of one) if (fault !== undefined) expect(both.get(request)).toEqual(fault);
  });

  it("hits as often as it says", () => {
    const fate = new WireFate({ rules: [{ fault: lost, chance: 1 / 20 }] }, 7);
    const given = Array.from({ length: 10_000 }, (_, at) => fate.decide(asked("s3.get", `bkt/${at % 100}`)));
    const count = given.filter(({ fault }) => fault !== undefined).length;
    // 500, and five times a standard deviation of 22.
    expect(Math.abs(count - 500)).toBeLessThan(110);
  });

  it("never hits a last attempt that it spares, nor what cannot fail so", () => {
    const spares = new WireFate({ rules: [{ fault: lost, chance: 1 }], spareLastAttempts: true }, 1);
    expect(spares.decide(asked("s3.get", "bkt/a", { attempt: 2 })).fault).toEqual(lost);
    expect(spares.decide(asked("s3.get", "bkt/a", { attempt: 3, isLastAttempt: true })).fault).toBeUndefined();
    expect(spares.decide(asked("other")).fault).toBeUndefined();
  });
});

describe("a script", () => {
  it("hits the nth request that it is about", () => {
    const script = { fault: lost, nth: [1, 3], operations: ["s3.get"], subject: /a$/ } as const;
    const fate = new WireFate({ rules: [script] }, 1);
    const subjects = ["bkt/b", "bkt/a", "bkt/a", "bkt/b", "bkt/a"];
    const faults = subjects.map((subject) => fate.decide(asked("s3.get", subject)).fault?.kind);
    expect(faults).toEqual([undefined, "lost-reply", undefined, undefined, "lost-reply"]);
    expect(fate.decide(asked("s3.put", "bkt/a")).fault).toBeUndefined();
  });

  it("counts also what another rule hits first", () => {
    const fate = new WireFate(
      {
        rules: [
          { fault: lost, nth: 1 },
          { fault: slow, nth: 2 },
        ],
      },
      1,
    );
    const kinds = [1, 2, 3].map(() => fate.decide(asked("s3.get")).fault?.kind);
    expect(kinds).toEqual(["lost-reply", "slow", undefined]);
  });
});

it("a plan that no request can follow is refused", () => {
  const unfit = { fault: { kind: "truncated", at: 0.5 }, operations: ["s3.list"], nth: 1 } as const;
  expect(() => new WireFate({ rules: [unfit] }, 1)).toThrow(
    /Expected a fault that s3.list can have .*, found truncated/,
  );
  const remembers = { fault: lost, subject: /a/g, nth: 1 } as const;
  expect(() => new WireFate({ rules: [remembers] }, 1)).toThrow(/flags g and y/);
});

it("every operation that is told apart can lose its reply", () => {
  for (const [operation, kinds] of Object.entries(wireFaultsOf)) {
    if (operation !== "other") expect(kinds).toContain("lost-reply");
  }
});

describe("errors in the words of each service", () => {
  it("S3 in XML, with the key escaped", () => {
    const { status, headers, body } = errorReply(asked("s3.get", "bkt/<a>&b"), "throttled", "r1");
    expect({ status, type: headers["content-type"] }).toEqual({ status: 503, type: "application/xml" });
    expect(body.toString()).toContain("<Code>SlowDown</Code>");
    expect(body.toString()).toContain("<Resource>/bkt/&lt;a&gt;&amp;b</Resource><RequestId>r1</RequestId>");
    expect(headers["content-length"]).toBe(String(body.length));
  });

  it("S3 refuses conditional writes with 409 and 412", () => {
    expect(refusal(asked("s3.create"), "conflict", "r1").status).toBe(409);
    expect(refusal(asked("s3.create"), "conflict", "r1").body.toString()).toContain("ConditionalRequestConflict");
    expect(refusal(asked("s3.create"), "precondition", "r1").status).toBe(412);
  });

  it("SQS in AWS JSON with the header of old clients", () => {
    const { status, headers, body } = errorReply(asked("sqs.send", "tasks"), "internal", "r1");
    expect(status).toBe(500);
    expect(headers["x-amzn-query-error"]).toBe("InternalFailure;Receiver");
    expect(JSON.parse(body.toString())).toMatchObject({ __type: "com.amazonaws.sqs#InternalFailure" });
  });

  it("Lambda with the type in a header", () => {
    const { status, headers, body } = errorReply(asked("lambda.invoke", "executor"), "throttled", "r1");
    expect({ status, type: headers["x-amzn-errortype"] }).toEqual({ status: 429, type: "TooManyRequestsException" });
    expect(JSON.parse(body.toString())).toMatchObject({ Reason: "ReservedFunctionConcurrentInvocationLimitExceeded" });
  });
});

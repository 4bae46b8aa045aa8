import { costOf, listPrices } from "@stampede/aws";
import { describe, expect, it } from "vitest";

describe("the cost of a job", () => {
  it("is what its requests and its functions' memory cost", () => {
    const cost = costOf({
      requests: {
        "s3:PutObject": 1000,
        "s3:ListObjectsV2": 1000,
        "s3:GetObject": 1000,
        "sqs:SendMessage": 1_000_000,
        "lambda:Invoke": 1_000_000,
      },
      lambdaGbSeconds: 3600,
    });
    expect(cost.s3).toBeCloseTo(0.0104, 10);
    expect(cost.sqs).toBeCloseTo(0.4, 10);
    expect(cost.invocations).toBeCloseTo(0.2, 10);
    expect(cost.compute).toBeCloseTo(0.06, 5);
    expect(cost.total).toBeCloseTo(0.6704, 5);
  });

  it("leaves out what is free", () => {
    expect(
      costOf({ requests: { "s3:DeleteObject": 1e9, "s3:AbortMultipartUpload": 1 }, lambdaGbSeconds: 0 }).total,
    ).toBe(0);
  });

  it("counts the machines of Batch by the hour", () => {
    expect(costOf({ requests: {}, lambdaGbSeconds: 0, batchHours: 2 }).compute).toBeCloseTo(1.052, 10);
  });

  it("takes other prices", () => {
    const prices = { ...listPrices, s3Read: 1 };
    expect(costOf({ requests: { "s3:HeadObject": 3 }, lambdaGbSeconds: 0 }, prices).total).toBe(3);
  });
});

import { fc, test } from "@fast-check/vitest";
import { failedInvocationOf } from "@stampede/aws";
import { DriverMessage, isStampedeError } from "@stampede/core";
import { expect } from "vitest";
import { aTask } from "../unit/aws/tasks.js";

fc.configureGlobal({ seed: 1 });

const record = {
  requestContext: {
    condition: "RetriesExhausted",
    functionArn: "arn:aws:lambda:us-east-1:000000000000:function:executor",
  },
  requestPayload: aTask,
  responsePayload: { errorType: "Runtime.ExitError", errorMessage: "Runtime exited" },
};
const event = {
  "detail-type": "Batch Job State Change",
  detail: {
    jobId: "job",
    status: "FAILED",
    statusReason: "Essential container in task exited",
    container: { environment: [{ name: "STAMPEDE_TASK", value: JSON.stringify(aTask) }], exitCode: 1 },
  },
};

/** Every place of a value, its own included. */
function placesOf(value: unknown): readonly (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [[]];
  const inside = Object.entries(value).flatMap(([name, each]) => placesOf(each).map((place) => [name, ...place]));
  return [[], ...inside];
}

function replaced(value: unknown, [name, ...rest]: readonly string[], by: unknown): unknown {
  if (name === undefined) return by;
  const copy: unknown = structuredClone(value);
  if (typeof copy === "object" && copy !== null) Reflect.set(copy, name, replaced(Reflect.get(copy, name), rest, by));
  return copy;
}

/** A valid message, or none, or the one refusal: never another error. */
function expectBounded(body: string): void {
  try {
    const message = failedInvocationOf(body);
    if (message !== undefined) DriverMessage.parse(message);
  } catch (error) {
    expect(isStampedeError(error) && error.code).toBe("message.invalid");
  }
}

const damaged = fc
  .constantFrom(record, event)
  .chain((whole) =>
    fc
      .tuple(fc.constantFrom(...placesOf(whole)), fc.jsonValue())
      .map(([place, by]) => JSON.stringify(replaced(whole, place, by))),
  );

test.prop([damaged], { numRuns: 500 })(
  "a damaged record is a failure of a task, or nothing, or refused",
  expectBounded,
);

test.prop([fc.oneof(fc.json(), fc.string())], { numRuns: 500 })("so is anything else", expectBounded);

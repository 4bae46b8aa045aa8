import type { S3Client } from "@aws-sdk/client-s3";
import { Shortcoming } from "./check.js";

/** Signatures are refused when the clocks differ by more. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, RequestTimeTooSkewed */
const refusedMs = 300_000;
const worthAWordMs = 30_000;
/** The header `Date` has whole seconds. */
const halfTickMs = 500;

/** Compares this machine's clock with the one that the endpoint answers by. */
export class ServerClock {
  #skewMs: number | undefined;

  /** How far the endpoint's clock is ahead of this machine's; undefined while nothing was heard. */
  get skewMs(): number | undefined {
    return this.#skewMs;
  }

  /** Reads the header `Date` of the first answer. */
  watch(client: S3Client): void {
    client.middlewareStack.add(
      (next) => async (args) => {
        const sentAt = Date.now();
        const answer = await next(args);
        const date = dateIn(answer.response);
        if (date !== undefined) this.#skewMs ??= date + halfTickMs - (sentAt + Date.now()) / 2;
        return answer;
      },
      // Inside of what reads the answer, and throws where that is an error.
      { step: "deserialize", name: "stampedeDoctorClock", priority: "low" },
    );
  }

  /** @throws Shortcoming */
  judge(): string {
    const skewMs = this.#skewMs;
    if (skewMs === undefined) {
      throw new Shortcoming("the endpoint does not tell its time (no header Date)", { status: "warning" });
    }
    const found = `${Math.abs(skewMs / 1000).toFixed(1)} s apart`;
    if (Math.abs(skewMs) > refusedMs) throw new Shortcoming(`${found}; beyond 300 s signatures are refused`);
    if (Math.abs(skewMs) > worthAWordMs) throw new Shortcoming(found, { status: "warning" });
    return found;
  }
}

function dateIn(response: unknown): number | undefined {
  if (typeof response !== "object" || response === null || !("headers" in response)) return undefined;
  const { headers } = response;
  if (typeof headers !== "object" || headers === null || !("date" in headers)) return undefined;
  const at = typeof headers.date === "string" ? Date.parse(headers.date) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}

import { makeJobId, type JobId } from "@stampede/core";
import { completeDataset, findRequest, requestInference } from "@stampede/training";
import { operations } from "../contract/operations.js";
import type { InferJob } from "../contract/schemas.js";
import type { TokenRecord } from "../tokens/record.js";
import { checkPlaces } from "./data-places.js";
import type { ApiDeps } from "./deps.js";
import { submitOnce, type Submission } from "./idempotency.js";
import { succeeded } from "./jobs.js";
import type { Router } from "./route.js";

/** Jobs that evaluate, or predict with, the model of a job that has succeeded. */
export function inferenceRoutes(router: Router, deps: ApiDeps): void {
  for (const kind of ["evaluate", "predict"] as const) {
    const described = kind === "evaluate" ? operations.evaluateModel : operations.predictModel;
    router.route(described, async ({ params, headers, body }, { token }) => {
      const key = headers["idempotency-key"];
      const submitted = await submit(kind, params.job, body, { key, token }, deps);
      return { status: 202, json: submitted, location: `/v1/jobs/${submitted.job}` };
    });
  }
}

async function submit(
  kind: "evaluate" | "predict",
  of: JobId,
  body: InferJob,
  by: { readonly key: string | undefined; readonly token: TokenRecord | undefined },
  deps: ApiDeps,
): Promise<Submission> {
  const { store, clock, unique, capacity, buckets } = deps;
  const { spec } = await succeeded(of, "train", deps);
  const request = await findRequest(store, of);
  const trained = request === undefined || "kind" in request ? undefined : request.data.train;
  const data = completeDataset(body.data, trained);
  await checkPlaces([data], buckets, store);
  const job = makeJobId(`${kind}-${spec.name}`, clock.now(), unique.hex(6));
  const { name } = spec;
  const { executors } = body;
  const wanted = { name, kind, of, data, executors, capacity };
  return submitOnce(
    { ...by, asked: { [kind]: wanted }, job },
    (id) => requestInference({ ...wanted, job: id }, deps),
    deps,
  );
}

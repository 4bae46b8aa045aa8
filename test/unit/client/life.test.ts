import { showJob } from "@stampede/client";
import { encodeRecord, FailureRecord, keys, tensorOf } from "@stampede/core";
import { expect, it } from "vitest";
import { storePartitions } from "../../support/datasets.js";
import { failureOf } from "../../support/job-facts.js";
import { makeJobSpec } from "../../support/job-specs.js";
import { storeCluster } from "../../support/store-cluster.js";
import { World } from "../../support/world.js";

it("an attempt that is to be continued is none of a job's failures", async () => {
  const world = new World();
  const { dataset } = await storePartitions(world.store, [10, 10]);
  const spec = makeJobSpec({ dataset, partitionRows: [10, 10] });
  await world.submit(spec, new Map([["w", tensorOf(Float32Array.of(0, 0), [2])]]));
  const failures = [failureOf(spec, 0, 1), { ...failureOf(spec, 1, 1), continuesAt: 3 }];
  for (const failure of failures) {
    const { job, stage, partition, attempt } = failure;
    await world.store.create(keys.failure(job, stage, partition, attempt), encodeRecord(FailureRecord, failure));
  }
  const details = await showJob(storeCluster(world.store), spec.job);
  expect(details.failures.map(({ partition }) => partition)).toEqual([0]);
});

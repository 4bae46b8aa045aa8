import { describe } from "vitest";
import { useHarness } from "./harness.js";
import { createContract } from "./object-store-create.js";
import { listContract } from "./object-store-list.js";
import { readContract } from "./object-store-read.js";
import { equalBodiesContract, replaceContract } from "./object-store-replace.js";
import type { ObjectStoreHarness } from "./object-store-support.js";

export interface ObjectStoreTraits {
  /** Etags follow from the body alone, as on S3: two equal bodies cannot be told apart. @default false */
  readonly etagsFollowBodies?: boolean;
}

/** The obligations of the ObjectStore port, as vitest tests. Every adapter passes them. */
export function objectStoreContract(
  name: string,
  makeHarness: () => Promise<ObjectStoreHarness>,
  { etagsFollowBodies = false }: ObjectStoreTraits = {},
): void {
  describe(`the object store contract: ${name}`, () => {
    const harness = useHarness(makeHarness);
    describe("create", () => createContract(harness));
    describe("get and head", () => readContract(harness));
    describe("replace", () => {
      replaceContract(harness);
      if (!etagsFollowBodies) equalBodiesContract(harness);
    });
    describe("list and delete", () => listContract(harness));
  });
}

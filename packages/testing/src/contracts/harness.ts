import { afterEach, beforeEach } from "vitest";

/** Makes a fresh harness for every test and closes it afterwards, also when the test failed. */
export function useHarness<H extends { readonly close: () => Promise<void> }>(make: () => Promise<H>): () => H {
  let current: H | undefined;
  beforeEach(async () => {
    current = await make();
  });
  afterEach(async () => {
    await current?.close();
    current = undefined;
  });
  return () => {
    if (current === undefined) throw new Error("The harness exists only while a test runs.");
    return current;
  };
}

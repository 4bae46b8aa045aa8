import { readObject, StampedeError } from "@stampede/core";
import { MemoryObjectStore } from "@stampede/testing";
import { expect, it } from "vitest";

const key = "jobs/a/head.json";
const whole = new TextEncoder().encode("whole");

function decode(body: Uint8Array): string {
  const text = new TextDecoder().decode(body);
  if (text !== "whole") throw new StampedeError("store.corrupt", `found ${text}`);
  return text;
}

/** A store whose first reads are cut short. */
async function cutting(cuts: number) {
  const store = new MemoryObjectStore();
  await store.create(key, whole);
  let reads = 0;
  return {
    reads: () => reads,
    get: async (name: string) => {
      const object = await store.get(name);
      reads += 1;
      return object && reads <= cuts ? { ...object, body: object.body.slice(0, 2) } : object;
    },
  };
}

it("reads once what is whole", async () => {
  const store = await cutting(0);
  expect((await readObject(store, key, decode))?.value).toBe("whole");
  expect(store.reads()).toBe(1);
});

it("reads a second time what came damaged, and no third time", async () => {
  const store = await cutting(1);
  expect((await readObject(store, key, decode))?.value).toBe("whole");
  expect(store.reads()).toBe(2);
  const broken = await cutting(5);
  await expect(readObject(broken, key, decode)).rejects.toMatchObject({ code: "store.corrupt" });
  expect(broken.reads()).toBe(2);
});

it("answers undefined for what is not there, and passes other errors on", async () => {
  const store = await cutting(0);
  expect(await readObject(store, "jobs/b/head.json", decode)).toBeUndefined();
  const bug = new TypeError("a bug");
  const failing = () => {
    throw bug;
  };
  await expect(readObject(store, key, failing)).rejects.toBe(bug);
  expect(store.reads()).toBe(2);
});

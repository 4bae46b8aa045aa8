import { FaultyObjectStore, ManualClock, MemoryObjectStore, noFaults, objectStoreContract } from "@stampede/testing";

objectStoreContract("FaultyObjectStore, when nothing goes wrong", () => {
  const inner = new MemoryObjectStore();
  const wrapped = (): FaultyObjectStore => new FaultyObjectStore(inner, noFaults, new ManualClock());
  return Promise.resolve({
    store: wrapped(),
    another: () => Promise.resolve(wrapped()),
    close: () => Promise.resolve(),
  });
});

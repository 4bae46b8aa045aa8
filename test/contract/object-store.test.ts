import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FolderObjectStore } from "@stampede/local";
import { MemoryObjectStore, objectStoreContract } from "@stampede/testing";

objectStoreContract("MemoryObjectStore", () => {
  const store = new MemoryObjectStore();
  return Promise.resolve({ store, another: () => Promise.resolve(store), close: () => Promise.resolve() });
});

objectStoreContract("FolderObjectStore", async () => {
  const root = await mkdtemp(join(tmpdir(), "stampede-store-"));
  return {
    store: FolderObjectStore.open(root),
    another: () => Promise.resolve(FolderObjectStore.open(root)),
    close: () => rm(root, { recursive: true }),
  };
});

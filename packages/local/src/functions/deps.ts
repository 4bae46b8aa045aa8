import type { CommonDeps } from "@stampede/training";
import { FolderObjectStore } from "../store/folder-object-store.js";
import { clockFrom, systemUnique } from "../system.js";
import type { FunctionContext } from "../pool/protocol.js";
import { FunctionSettings } from "./settings.js";

export function settingsOf({ settings }: FunctionContext): FunctionSettings {
  return FunctionSettings.parse(settings);
}

/** What a function works with; its store is the same folder as everybody's. */
export function functionDeps(context: FunctionContext): CommonDeps {
  const queue = (name: "driver" | "deltas") => ({
    send: (body: string) => Promise.resolve(context.send(name, body)),
  });
  const { home, clockOffsetMs } = settingsOf(context);
  return {
    store: FolderObjectStore.open(home),
    queues: { driver: queue("driver"), deltas: queue("deltas") },
    clock: clockFrom(clockOffsetMs),
    unique: systemUnique,
    events: { emit: (event) => context.emit(event) },
  };
}

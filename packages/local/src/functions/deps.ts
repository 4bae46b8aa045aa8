import type { CommonDeps } from "@stampede/training";
import { FolderObjectStore } from "../store/folder-object-store.js";
import { systemClock, systemUnique } from "../system.js";
import type { ThreadContext } from "../threads/protocol.js";
import { FunctionSettings } from "./settings.js";

export function settingsOf({ settings }: ThreadContext): FunctionSettings {
  return FunctionSettings.parse(settings);
}

/** What a function's thread works with; its store is the same folder as everybody's. */
export function functionDeps(context: ThreadContext): CommonDeps {
  const queue = (name: "driver" | "deltas") => ({
    send: (body: string) => Promise.resolve(context.send(name, body)),
  });
  return {
    store: FolderObjectStore.open(settingsOf(context).home),
    queues: { driver: queue("driver"), deltas: queue("deltas") },
    clock: systemClock,
    unique: systemUnique,
    events: { emit: (event) => context.emit(event) },
  };
}

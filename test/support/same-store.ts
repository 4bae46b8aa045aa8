import type { ObjectStore } from "@stampede/core";

/** The same storage as another object, as another machine has it: what functions remember hangs on the object, and its methods can be replaced alone. */
export function sameStore(store: ObjectStore): ObjectStore {
  return {
    get: (key, range) => store.get(key, range),
    head: (key) => store.head(key),
    create: (key, body) => store.create(key, body),
    replace: (key, body, etag) => store.replace(key, body, etag),
    list: (prefix) => store.list(prefix),
    delete: (key) => store.delete(key),
  };
}

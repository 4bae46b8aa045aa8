// Runs one task in the bundle of the executor, as a cold function does, and tells when it came how far.
import { subscribe } from "node:diagnostics_channel";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** On a busy machine the processor's time says more than the clock's. Threads of V8 and onnxruntime count as well. */
function moment() {
  const { user, system } = process.cpuUsage();
  return { ms: performance.now(), cpuMs: (user + system) / 1000 };
}

const firstLine = moment();
const [folder = "", task = ""] = process.argv.slice(2);
let imported = firstLine;
let loaded = firstLine;
/** @type {typeof firstLine | undefined} */
let asked;

/** @param {unknown} message */
function requestOf(message) {
  const { request } = /** @type {{ request: import("node:http").ClientRequest }} */ (message);
  return request;
}

subscribe("http.client.request.start", (message) => {
  const { method, path } = requestOf(message);
  asked ??= moment();
  if (method !== "PUT" || !path.includes("/deltas/")) return;
  // There is one batch in a round: it is done, and its delta is encoded.
  process.send?.({ firstLine, imported, asked, loaded, trained: moment(), bytes: process.memoryUsage().rss });
  process.exit(0);
});
subscribe("http.client.response.finish", (message) => {
  // The graph comes last.
  if (requestOf(message).path.includes("/graph/")) loaded = moment();
});

/** @type {{ handler: (task: unknown, context: object) => Promise<void> }} */
const { handler } = await import(pathToFileURL(join(folder, "index.js")).href);
imported = moment();
await handler(JSON.parse(task), { getRemainingTimeInMillis: () => 900_000 });
// Only a task whose delta is there already ends.
process.exit(1);

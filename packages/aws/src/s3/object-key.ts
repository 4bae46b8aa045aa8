import { StampedeError } from "@stampede/core";

/** The limit of S3. */
const maxKeyBytes = 1024;

/**
 * Refuses what S3, or the way there, would take for another key: two keys must never be one object.
 * @throws StampedeError `store.invalid-key`
 */
export function checkKey(key: string): void {
  const found = faultOf(key);
  if (found === undefined) return;
  const shown = key.slice(0, 200);
  const text = `Expected an object key such as "jobs/a/spec.json", found ${found} in ${JSON.stringify(shown)}. Nothing was read or written.`;
  throw new StampedeError("store.invalid-key", text, { details: { key: shown } });
}

function faultOf(key: string): string | undefined {
  if (key === "") return "nothing";
  const bytes = Buffer.from(key);
  if (bytes.length > maxKeyBytes) return `${bytes.length} bytes (at most ${maxKeyBytes} are allowed)`;
  // Half a surrogate pair becomes U+FFFD.
  if (bytes.toString() !== key) return "text that is not valid Unicode";
  // A list is XML, which cannot carry them.
  if (/\p{Cc}/u.test(key)) return "a control character";
  // Proxies resolve them as in a path.
  const dots = key.split("/").find((segment) => segment === "." || segment === "..");
  return dots === undefined ? undefined : `the segment "${dots}"`;
}

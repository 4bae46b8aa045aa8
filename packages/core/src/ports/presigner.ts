/**
 * Makes addresses by which somebody without credentials may read or write one object for a moment. Adapter: S3.
 *
 * Every method rejects with a StampedeError: `store.unavailable`, `store.forbidden`, `store.not-writable`.
 */
export interface Presigner {
  /** An address to GET the object from, which then comes as a file of this name and type. */
  get(
    key: string,
    options: { readonly seconds: number; readonly fileName: string; readonly type: string },
  ): Promise<string>;
  /** An address to PUT the whole object to. It MUST refuse another number of bytes. */
  put(key: string, options: { readonly seconds: number; readonly bytes: number }): Promise<string>;
  /** Begins an object of several parts, and answers what names it until it is complete. */
  startParts(key: string): Promise<string>;
  /** An address to PUT one part to. @param part from 1 */
  putPart(
    key: string,
    options: { readonly session: string; readonly part: number; readonly seconds: number; readonly bytes: number },
  ): Promise<string>;
  /** Makes the object of its parts. MUST reject with `upload.not-found` when they are not all there. */
  completeParts(key: string, session: string, etags: readonly string[]): Promise<void>;
}

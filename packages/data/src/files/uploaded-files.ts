import {
  keys,
  UploadId,
  UploadName,
  type ByteRange,
  type ByteReader,
  type DataFiles,
  type ObjectStore,
  type OpenedFile,
  type StampedeError,
} from "@stampede/core";
import { quoted, refusal } from "../refusal.js";
import { changed } from "./data-file.js";

/** What one read of the store takes at most. */
const chunkBytes = 4 * 1024 * 1024;

/** Files that were uploaded into the store, named `upload://ID/NAME`. */
export function uploadedFiles(store: ObjectStore): DataFiles {
  return {
    async open(uri): Promise<OpenedFile> {
      const { upload, name } = parseUploadUri(uri);
      const key = keys.upload(upload, name);
      const found = await store.head(key);
      if (found === undefined) throw unreadable(uri, "there is no such upload, or it was removed");
      const { bytes, etag: version } = found;
      const fetch = async (range: ByteRange): Promise<Uint8Array> => {
        const object = await store.get(key, range);
        if (object?.etag !== version) throw changed(uri);
        return object.body;
      };
      return {
        bytes,
        version,
        reader: ({ start, end } = { start: 0, end: bytes }) => inChunks(fetch, { start, end: Math.min(end, bytes) }),
        close: async () => undefined,
      };
    },
  };
}

/**
 * Takes `upload://ID/NAME` apart.
 * @throws StampedeError `data.not-readable`
 */
export function parseUploadUri(uri: string): { readonly upload: UploadId; readonly name: UploadName } {
  const [, id, file] = /^upload:\/\/([^/]*)\/(.*)$/is.exec(uri) ?? [];
  const [upload, name] = [UploadId.safeParse(id), UploadName.safeParse(file)];
  if (upload.success && name.success) return { upload: upload.data, name: name.data };
  throw unreadable(uri, "expected upload://ID/NAME, as the answer to an upload names it");
}

function inChunks(fetch: (range: ByteRange) => Promise<Uint8Array>, { start, end }: ByteRange): ByteReader {
  let position = start;
  let chunk = new Uint8Array(0);
  return {
    async read(into) {
      let filled = 0;
      while (filled < into.length) {
        if (chunk.length === 0) {
          if (position >= end) break;
          const next = Math.min(end, position + chunkBytes);
          chunk = new Uint8Array(await fetch({ start: position, end: next }));
          position = next;
        }
        const taken = chunk.subarray(0, into.length - filled);
        into.set(taken, filled);
        filled += taken.length;
        chunk = chunk.subarray(taken.length);
      }
      return filled;
    },
    close: async () => undefined,
  };
}

function unreadable(uri: string, reason: string): StampedeError {
  return refusal("data.not-readable", `Cannot read the data file ${quoted(uri)}: ${reason}.`, {
    details: { file: uri },
  });
}

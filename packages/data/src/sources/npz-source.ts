import type { DatasetSpec } from "@stampede/core";
import { arrayFromFiles } from "../arrays/array-file.js";
import { readNpyHeader } from "../arrays/npy.js";
import { openZipEntry, readZipDirectory, type ZipEntry } from "../arrays/zip.js";
import { skipped } from "../files/byte-reader.js";
import { dataFiles, type DataFile, type FilePlace } from "../files/data-file.js";
import { assertUnchanged, fingerprint, type Fingerprint } from "../files/fingerprint.js";
import { unknownName } from "../csv/unknown-name.js";
import { refusal } from "../refusal.js";
import { openArrays, type ArrayField } from "./array-source.js";
import { listSelections, optionsOf, refuseSettings, type RoleSelection } from "./selections.js";
import type { Source } from "./source.js";

type NpzSpec = Extract<DatasetSpec, { format: "npz" }>;

/** NPZ: one archive, an array of it for each field. */
export function npzSource(spec: NpzSpec, place: FilePlace): Source {
  const [file] = dataFiles(spec.file, place);
  if (file === undefined) throw refusal("data.empty", "Expected the name of an NPZ file.");
  const selections = listSelections(spec.features ?? {}, spec.labels);
  for (const selection of selections) refuseSettings(selection, "npz", ["file", "columns", "column", "categories"]);
  let print: Fingerprint | undefined;
  const identityOf = ([sha256]: readonly string[]): unknown => {
    const fields = selections.map(({ role, selection }) => ({
      role,
      array: selection.array,
      options: optionsOf(selection),
    }));
    return { format: "npz", file: sha256, fields };
  };
  return {
    name: file.name,
    files: [file],
    async identify(signal) {
      print = await fingerprint(file, signal);
      return identityOf([print.sha256]);
    },
    identityOf,
    async open() {
      const entries = await readZipDirectory(file);
      const arrays: ArrayField[] = [];
      for (const selection of selections) {
        const entry = entryOf(file, entries, selection);
        const name = `${file.name}[${arrayName(entry)}]`;
        const input = await arrayFromFiles([
          {
            file: { ...file, name },
            open: async (start) => skipped(await openZipEntry(file, entry), start),
            readHeader: readNpyHeader,
          },
        ]);
        arrays.push({ role: selection.role, options: optionsOf(selection.selection), input });
      }
      return openArrays(arrays);
    },
    async assertUnchanged() {
      if (print !== undefined) await assertUnchanged(print);
    },
  };
}

function arrayName({ name }: ZipEntry): string {
  return name.replace(/\.npy$/, "");
}

function entryOf(file: DataFile, entries: readonly ZipEntry[], { where, selection }: RoleSelection): ZipEntry {
  const arrays = entries.filter(({ name }) => name.endsWith(".npy"));
  const names = arrays.map(arrayName);
  const only = arrays.length === 1 ? arrays[0] : undefined;
  if (selection.array === undefined) {
    if (only !== undefined) return only;
    throw refusal(
      "job-file.invalid",
      `Expected \`array\` in ${where}: ${file.name} holds the arrays ${names.join(", ")}.`,
    );
  }
  const found = arrays[names.indexOf(selection.array)];
  if (found !== undefined) return found;
  throw unknownName({ file, what: "array", wanted: selection.array, names });
}

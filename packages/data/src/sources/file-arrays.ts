import type { DatasetSpec } from "@stampede/core";
import { arrayFromFiles, type ArrayFile } from "../arrays/array-file.js";
import { readIdxHeader } from "../arrays/idx.js";
import { readNpyHeader } from "../arrays/npy.js";
import { openBytes } from "../files/byte-reader.js";
import { dataFiles, type DataFile, type FilePlace } from "../files/data-file.js";
import { assertUnchanged, fingerprint, type Fingerprint } from "../files/fingerprint.js";
import { refusal } from "../refusal.js";
import { openArrays, type ArrayField } from "./array-source.js";
import { listSelections, optionsOf, refuseSettings, type RoleSelection } from "./selections.js";
import type { Source } from "./source.js";

type ArraySpec = Extract<DatasetSpec, { format: "idx" | "npy" }>;

/** IDX and NPY: a file, or several that follow each other, for each field. */
export function fileArrays(spec: ArraySpec, place: FilePlace): Source {
  const selections = listSelections(spec.features, spec.labels);
  const prints: Fingerprint[] = [];
  const readHeader = spec.format === "idx" ? readIdxHeader : readNpyHeader;
  if (spec.features === undefined) {
    throw refusal(
      "job-file.invalid",
      `Expected \`features: { file: ... }\` in a data set of format ${spec.format}, found none.`,
    );
  }
  const fields = selections.map((selection) => ({ selection, files: filesOf(spec.format, selection, place) }));
  const files = onlyOnce(fields.flatMap((field) => field.files));
  const identityOf = (hashes: readonly string[]): unknown => ({
    format: spec.format,
    fields: fields.map(({ selection: { role, selection }, files: own }) => ({
      role,
      options: optionsOf(selection),
      files: own.map(({ path }) => hashes[files.findIndex((file) => file.path === path)]),
    })),
  });

  return {
    name: fields.flatMap((field) => field.files.map(({ name }) => name)).join(", "),
    files,
    async identify(signal) {
      prints.length = 0;
      for (const file of files) prints.push(await fingerprint(file, signal));
      return identityOf(prints.map(({ sha256 }) => sha256));
    },
    identityOf,
    async open() {
      const arrays: ArrayField[] = [];
      for (const { selection, files: own } of fields) {
        const [first, ...others] = own.map((file): ArrayFile => ({
          file,
          open: (start) => openBytes(file, start),
          readHeader,
        }));
        if (first === undefined) throw refusal("data.empty", `Expected at least one file in ${selection.where}.`);
        const input = await arrayFromFiles([first, ...others]);
        arrays.push({ role: selection.role, options: optionsOf(selection.selection), input });
      }
      return openArrays(arrays);
    },
    async assertUnchanged() {
      for (const print of prints) await assertUnchanged(print);
    },
  };
}

function onlyOnce(files: readonly DataFile[]): readonly DataFile[] {
  return [...new Map(files.map((file) => [file.path, file])).values()];
}

function filesOf(format: string, selection: RoleSelection, place: FilePlace): readonly DataFile[] {
  refuseSettings(selection, format, ["columns", "column", "array", "categories"]);
  const { file } = selection.selection;
  if (file !== undefined) return dataFiles(file, place);
  throw refusal(
    "job-file.invalid",
    `Expected \`file\` in ${selection.where} of a data set of format ${format}, found none.`,
  );
}

import type { DatasetSpec } from "@stampede/core";
import { arrayFromFiles, type ArrayFile } from "../arrays/array-file.js";
import { readIdxHeader } from "../arrays/idx.js";
import { readNpyHeader } from "../arrays/npy.js";
import { openBytes } from "../files/byte-reader.js";
import { dataFiles, type DataFile } from "../files/data-file.js";
import { assertUnchanged, fingerprint, type Fingerprint } from "../files/fingerprint.js";
import { refusal } from "../refusal.js";
import { openArrays, type ArrayField } from "./array-source.js";
import { listSelections, optionsOf, refuseSettings, type RoleSelection } from "./selections.js";
import type { Source } from "./source.js";

type ArraySpec = Extract<DatasetSpec, { format: "idx" | "npy" }>;

/** IDX and NPY: a file, or several that follow each other, for each field. */
export function fileArrays(spec: ArraySpec, baseFolder: string): Source {
  const selections = listSelections(spec.features, spec.labels);
  const prints = new Map<string, Fingerprint>();
  const readHeader = spec.format === "idx" ? readIdxHeader : readNpyHeader;
  if (spec.features === undefined) {
    throw refusal(
      "job-file.invalid",
      `Expected \`features: { file: ... }\` in a data set of format ${spec.format}, found none.`,
    );
  }
  const fields = selections.map((selection) => ({ selection, files: filesOf(spec.format, selection, baseFolder) }));

  return {
    name: fields.flatMap(({ files }) => files.map(({ name }) => name)).join(", "),
    async identify(signal) {
      for (const file of fields.flatMap(({ files }) => files)) {
        if (!prints.has(file.path)) prints.set(file.path, await fingerprint(file, signal));
      }
      return {
        format: spec.format,
        fields: fields.map(({ selection: { role, selection }, files }) => ({
          role,
          options: optionsOf(selection),
          files: files.map(({ path }) => prints.get(path)?.sha256),
        })),
      };
    },
    async open() {
      const arrays: ArrayField[] = [];
      for (const { selection, files } of fields) {
        const [first, ...others] = files.map((file): ArrayFile => ({ file, open: () => openBytes(file), readHeader }));
        if (first === undefined) throw refusal("data.empty", `Expected at least one file in ${selection.where}.`);
        const input = await arrayFromFiles([first, ...others]);
        arrays.push({ role: selection.role, options: optionsOf(selection.selection), input });
      }
      return openArrays(arrays);
    },
    async assertUnchanged() {
      for (const print of prints.values()) await assertUnchanged(print);
    },
  };
}

function filesOf(format: string, selection: RoleSelection, baseFolder: string): readonly DataFile[] {
  refuseSettings(selection, format, ["columns", "column", "array", "categories"]);
  const { file } = selection.selection;
  if (file !== undefined) return dataFiles(file, baseFolder);
  throw refusal(
    "job-file.invalid",
    `Expected \`file\` in ${selection.where} of a data set of format ${format}, found none.`,
  );
}

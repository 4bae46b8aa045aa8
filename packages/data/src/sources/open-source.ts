import { DatasetSpec, parseInput, type DatasetSpecInput, type Field } from "@stampede/core";
import { idxOfBuiltin } from "./builtin.js";
import { csvSource } from "./csv-source.js";
import { fileArrays } from "./file-arrays.js";
import { sourceOfMemory, type MemoryDataset } from "./memory-source.js";
import { npzSource } from "./npz-source.js";
import type { FilePlace } from "../files/data-file.js";
import type { Source } from "./source.js";

export interface SourceContext extends FilePlace {
  /** The fields of the training data, for sets that must be read as it was. */
  readonly known: readonly Field[] | undefined;
  readonly ignoreLabels: boolean;
}

/** @throws StampedeError `job-file.invalid` */
export function sourceOf(dataset: DatasetSpecInput | MemoryDataset, context: SourceContext): Source {
  if (dataset.format === "memory") {
    const { labels: _, ...unlabelled } = dataset;
    return sourceOfMemory(context.ignoreLabels ? unlabelled : dataset);
  }
  const spec = parseInput(DatasetSpec, dataset, { code: "job-file.invalid", what: "The data set" });
  if (context.ignoreLabels) delete spec.labels;
  return sourceOfSpec(spec, context);
}

function sourceOfSpec(spec: DatasetSpec, { known, ignoreLabels, ...place }: SourceContext): Source {
  switch (spec.format) {
    case "csv":
      return csvSource(spec, place, known);
    case "idx":
    case "npy":
      return fileArrays(spec, place);
    case "npz":
      return npzSource(spec, place);
    case "builtin": {
      const { labels, ...idx } = idxOfBuiltin(spec);
      // They lie beside this program, wherever it runs.
      return fileArrays(ignoreLabels ? idx : { ...idx, labels }, { baseFolder: place.baseFolder, access: {} });
    }
  }
}

import * as z from "zod";
import { DatasetSpec } from "./dataset-spec.js";
import { EngineName } from "./model.js";
import { TrainingSettings } from "./training.js";

/** `compile` of a job file: for models that come as JSON, which may lack it. */
export const CompileSettings = z.strictObject({
  optimizer: z.union([z.string(), z.looseObject({ name: z.string(), learningRate: z.number().positive().optional() })]),
  loss: z.union([z.string(), z.array(z.string()), z.record(z.string(), z.string())]),
  metrics: z.array(z.string()).default([]),
});
export type CompileSettings = z.infer<typeof CompileSettings>;

/** The YAML file given to `stampede train`. */
export const JobFile = z.strictObject({
  version: z.literal(1).default(1),
  name: z.string().min(1).max(200),
  /** A TypeScript or JavaScript module whose default export is (or builds) a LayersModel, or a tfjs `model.json`. */
  model: z.string().min(1),
  compile: CompileSettings.optional(),
  data: z
    .strictObject({
      train: DatasetSpec,
      /** Evaluated with the weights of every round. */
      validation: DatasetSpec.optional(),
      /** The fraction of `train` that is held out (over the whole data set, before partitioning) as validation data. */
      validationSplit: z.number().gt(0).lt(1).optional(),
    })
    .refine((data) => data.validation === undefined || data.validationSplit === undefined, {
      message: "give either validation or validationSplit, not both",
      path: ["validationSplit"],
    }),
  training: TrainingSettings.prefault({}),
  /** By default the compiled engine, and tfjs' fastest where the model cannot be compiled. One that is named is taken, or the job refused. */
  engine: EngineName.optional(),
});
export type JobFile = z.infer<typeof JobFile>;
export type JobFileInput = z.input<typeof JobFile>;

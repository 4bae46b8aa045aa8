/** The data of a training job, as it was asked for: files, or values in memory too where the one who asks has them. */
export interface TrainingData<Dataset> {
  readonly train: Dataset;
  /** Evaluated with the weights of every round. */
  readonly validation?: Dataset | undefined;
  /** The fraction of `train` that is held out. */
  readonly validationSplit?: number | undefined;
}

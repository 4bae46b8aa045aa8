export { errorCatalogue, type ErrorCode, type ErrorEntry } from "./error-catalogue.js";
export {
  isStampedeError,
  StampedeError,
  suspendsJob,
  toErrorFacts,
  type ErrorFacts,
  type ErrorOptions,
} from "./errors.js";
export {
  ArtifactName,
  AttemptId,
  DatasetId,
  JobId,
  makeJobId,
  parseJobId,
  ShardingId,
  TokenId,
  UploadId,
  UploadName,
} from "./ids.js";
export {
  attemptOfFailure,
  graphNameOf,
  graphNamesFor,
  isForBlock,
  jobOfKey,
  keys,
  objectHashOf,
  partitionOfOutput,
  readShardingKey,
  roundOfKey,
  type ShardingKey,
  shardStepName,
  sliceOfKey,
} from "./keys.js";
export type { ByteReader, DataFiles, OpenedFile } from "./ports/data-files.js";
export type {
  Engine,
  EngineSession,
  GraphRequest,
  GraphSource,
  PartitionData,
  RowRange,
  TrainOutcome,
  TrainRequest,
} from "./ports/engine.js";
export type { ByteRange, ObjectInfo, ObjectStore, StoredObject, WriteOutcome } from "./ports/object-store.js";
export type { Presigner } from "./ports/presigner.js";
export type { Clock, EventSink, Executors, Timers, UniqueSource } from "./ports/platform.js";
export type { Queue, QueueMessage } from "./ports/queue.js";
export { DatasetManifest, Encoding, Field, Part } from "./schema/dataset.js";
export { DatasetSpec, FieldSelection, type DatasetSpecInput } from "./schema/dataset-spec.js";
export { JobEvent, JobLimits } from "./schema/events.js";
export {
  CancelRecord,
  CheckpointRecord,
  CloseRecord,
  Contribution,
  DeadLetterRecord,
  DeltaRecord,
  EvaluationRecord,
  FailureRecord,
  HistoryRecord,
  JobHead,
  JobResult,
  JobSpec,
  maxKernelReason,
  ProgressRecord,
  RetryRecord,
  RoundRecord,
  TaskTable,
} from "./schema/job.js";
export { CompileSettings, JobFile, type JobFileInput } from "./schema/job-file.js";
export { AnyRequest, ExecutorCapacity, InferenceRequest, JobRequest } from "./schema/job-request.js";
export {
  DeadTaskView,
  FailedAttempt,
  JobDetails,
  JobSummary,
  Retry,
  RoundHistory,
  RunningTask,
  SignOfLife,
  UnderWay,
  UnreadableRecord,
} from "./schema/job-view.js";
export { Claim, DeltaMessage, DriverMessage, TaskMessage } from "./schema/messages.js";
export { MetricState, MetricStates } from "./schema/metrics.js";
export {
  Block,
  KernelKind,
  CompiledRecord,
  Compute,
  EngineName,
  GradientSettings,
  GraphClaim,
  GraphName,
  ModelDefinition,
  TrainingConfig,
} from "./schema/model.js";
export {
  CountFact,
  HashFact,
  MergedTexts,
  PartsFact,
  RowIndex,
  RowsFact,
  ShardFailure,
  ShardingLayout,
  ShardingOutcome,
  ShardingPlan,
  ShardingRequest,
  ShardLimits,
  ShardStep,
  ShardStepKind,
  ShardTask,
  StretchCount,
  TextsFact,
} from "./schema/sharding.js";
export { GroupPlan, PartRecord, ReductionNode, SliceRecord, SumRecord } from "./schema/reduction.js";
export { Partition, Round, Stage, type StageKind } from "./schema/stage.js";
export { TrainingSettings } from "./schema/training.js";
export {
  bytesPerElement,
  dtypes,
  sizeOf,
  tensorOf,
  viewOf,
  type DType,
  type NamedTensors,
  type NumericArray,
  type Tensor,
  type TypedArrays,
} from "./tensors.js";
export { aggregationPatienceMs, decide, maxTimerMs } from "./job-machine/decide.js";
export type { Action, DeadTask, Decision, JobFacts, NextHead, StartAction, Wake } from "./job-machine/facts.js";
export { needsProgress } from "./job-machine/judge.js";
export {
  batchesPerEpoch,
  examplesOf,
  firstStage,
  nextStage,
  roundsOf,
  workOf,
  type EpochSlice,
} from "./job-machine/rounds.js";
export { groupOf, groupsIn, partitionsOf } from "./aggregate/groups.js";
export { deltaNorm, moveDelta, shortenDelta } from "./aggregate/delta-norm.js";
export {
  bytesOf,
  cutPieces,
  layoutOf,
  partsOfSlice,
  piecesIn,
  piecesOf,
  sliceOfPart,
  slicingIn,
  slicingOf,
  type Piece,
  type Slicing,
  type TensorLayout,
} from "./aggregate/slices.js";
export { WeightedMean, type PartialMean } from "./aggregate/weighted-mean.js";
export { blocksAround, blocksIn, checkBlocks } from "./codec/block-sums.js";
export { hashTensors, sha256Hex, TensorHash } from "./codec/hash.js";
export { decodeMessage, encodeMessage } from "./codec/messages.js";
export { isDamage, readObject, type ReadObject } from "./codec/read-object.js";
export { decodeRecord, encodeRecord } from "./codec/records.js";
export { decodeSafetensors, encodeSafetensors } from "./codec/safetensors.js";
export { decodeSafetensorsHeader, safetensorsHeaderEnd } from "./codec/safetensors-header.js";
export {
  decodeTensorRecord,
  decodeTensorRecordHeader,
  decodeTensorRecordLayout,
  encodeTensorRecord,
  type TensorRecordHeader,
} from "./codec/tensor-records.js";
export { kernelKinds, kernelsOf } from "./kernels.js";
export { meanMetric, mergeMetrics, resolveMetrics } from "./metrics.js";
export { deriveKey, permutation, randomUint32, uniformStream } from "./random.js";
export { encodedWidth, encodeRows } from "./encode.js";
export { refuseUnbounded, type JsonBounds } from "./parse/bounded-json.js";
export { parseInput, type InputSource } from "./parse/parse-input.js";
export { nearest } from "./suggest.js";

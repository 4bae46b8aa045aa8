/** What a code means, for people: why it happens and what to do. The README's table is generated from this one. */
export interface ErrorEntry {
  readonly cause: string;
  readonly remedy: string;
  /** Another attempt of the same task can end differently. */
  readonly retryable: boolean;
  /** The user's input is at fault: nothing was started, exit code 2. */
  readonly input: boolean;
}

const input = (cause: string, remedy: string): ErrorEntry => ({ cause, remedy, retryable: false, input: true });
const failure = (cause: string, remedy: string): ErrorEntry => ({ cause, remedy, retryable: false, input: false });
const passing = (cause: string, remedy: string): ErrorEntry => ({ cause, remedy, retryable: true, input: false });

export const errorCatalogue = {
  "job-file.not-readable": input(
    "The job file does not exist, is not a regular file, or may not be read.",
    "Check the path given to `stampede train`.",
  ),
  "job-file.syntax": input("The job file is not valid YAML.", "Mend the line and column named in the message."),
  "job-file.invalid": input(
    "A field of the job file (or of a --set option) is unknown, missing or has a value that is not allowed.",
    "Use the nearest valid name or one of the values that the message lists.",
  ),
  "option.invalid": input(
    "An option of the command or of a call has a value that is not allowed.",
    "See `stampede help COMMAND`.",
  ),
  "job.invalid-id": input(
    "A job id must match [a-z0-9][a-z0-9-]{0,62}; it is used in object keys and never spliced in raw.",
    "Copy the id from `stampede jobs list`.",
  ),
  "job.not-found": input(
    "No job with this id is in the store.",
    "Run `stampede jobs list` from the same folder, or set STAMPEDE_HOME.",
  ),
  "job.exists": input("A job with this id was submitted before.", "Resume it with --resume, or submit without an id."),
  "job.not-resumable": input("The job has already ended.", "Submit it again as a new job."),
  "job.failed": failure("The job ended as failed.", "See the reason in the message and in `stampede jobs show`."),
  "job.cancelled": failure("The job was cancelled.", "Submit it again."),
  "job.timed-out": failure(
    "The job did not end within training.jobTimeoutSeconds.",
    "Raise the limit, or lower epochs or the size of the data.",
  ),
  "job.interrupted": failure(
    "The run was interrupted; committed rounds are kept.",
    "Go on with `stampede train JOB --resume ID`.",
  ),
  "job.silent": failure(
    "Nothing was heard of the job for longer than `--give-up-after`; it was left as it is.",
    "If the process that ran it is gone, go on with `stampede train JOB --resume ID`.",
  ),
  "job.not-finished": input(
    "What was asked for is there when the job has succeeded, and it has not, or not yet.",
    "Wait for its end (`GET /v1/jobs/JOB/events`), or see why it failed (`GET /v1/jobs/JOB`).",
  ),
  "model.not-readable": input(
    "The model's file does not exist or cannot be loaded.",
    "Check `model` in the job file; the cause is in the message.",
  ),
  "model.invalid": input(
    "The module's default export is not a LayersModel (or a function that returns one), the JSON is no tfjs layers model, or a file of a saved model is not as it was saved.",
    "Export a compiled tf.LayersModel as default. Of a saved model mend or save again the file that the message names.",
  ),
  "model.not-compiled": input(
    "The model has no loss and optimizer.",
    "Call model.compile({ optimizer, loss, metrics }) or give `compile` in the job file.",
  ),
  "model.unsupported": input(
    "The model uses something that cannot be sent to executors (a custom class, a loss or metric given as a function).",
    "Use built-in layers, losses and metrics by name.",
  ),
  "model.not-traceable": input(
    "The compiled engine was asked for and cannot run the model: a tfjs kernel without a lowering, code that reads values, or random numbers that cannot be replayed.",
    "Change the layer that the message names, or leave `engine` out: a tfjs engine then trains it, slower.",
  ),
  "model.too-large": input(
    "The model, its optimizer and a partition of the data need more memory than an executor may use.",
    "Use more executors (smaller partitions), a smaller batchSize, or raise the memory limit.",
  ),
  "model.data-mismatch": input(
    "The model's input or output shape does not fit the data.",
    "Change the model's inputShape or units, or the shape or oneHot setting of the data.",
  ),
  "model.exists": input("The output folder already holds a model.", "Choose another --out, or pass --overwrite."),
  "output.exists": input(
    "There is something at the path of the output file.",
    "Choose another --out, or pass --overwrite.",
  ),
  "output.not-writable": input(
    "The output's folder cannot be created or written.",
    "Choose another --out, or change the folder's permissions.",
  ),
  "output.full": failure(
    "The disk that the model or the predictions are to be written to is full.",
    "Free space or choose another --out. A training job is resumed then: it has only that left to do.",
  ),
  "engine.unavailable": input(
    "The engine asked for is not installed or cannot be loaded here.",
    "Leave `engine` out to let Stampede choose, or install the package the message names.",
  ),
  "engine.failed": passing(
    "The engine failed while it opened or ran the model.",
    "See the cause in the message; report it if the model is valid.",
  ),
  "graph.other-block": failure(
    "A compiled graph was made for processors with other blocked kernels than this machine's: run here it would compute wrong numbers.",
    "Submit the job again from here, or with `training.portable: true`, which every processor runs.",
  ),
  "graph.invalid": failure(
    "A compiled graph is damaged, was made by another program or version, or does not fit the model's weights.",
    "Submit the job again; its graphs are then compiled anew.",
  ),
  "data.not-readable": input(
    "A data file does not exist or may not be read.",
    "Check the path in the job file; relative paths start at the job file's folder.",
  ),
  "data.format": input(
    "A data file is not in the format the job file names, or is truncated.",
    "Check `format`, and that the file is complete.",
  ),
  "data.unknown-column": input(
    "A column that the job file names is not in the file.",
    "Use one of the column names that the message lists.",
  ),
  "data.ragged-row": input("A row has more or fewer cells than the header.", "Mend the line named in the message."),
  "data.not-a-number": input(
    "A numeric column holds text, an empty cell, NaN or infinity.",
    "Mend the cell at the file, line and column named in the message.",
  ),
  "data.unknown-category": input(
    "A label or category does not occur in the training data.",
    "Mend the cell, or train with data that contains it.",
  ),
  "data.label-out-of-range": input(
    "A label is not a whole number in 0 ... classes - 1.",
    "Mend the cell, or set oneHot to the number of classes.",
  ),
  "data.length-mismatch": input(
    "Features and labels have different numbers of rows.",
    "Give files that belong together.",
  ),
  "data.empty": input("The data set has no rows.", "Check the file and the header setting."),
  "data.too-few-rows": input("There are fewer rows than executors.", "Lower training.executors, or give more data."),
  "data.not-allowed": input(
    "A data file lies in a place that this endpoint does not read from.",
    "Upload the file (`POST /v1/uploads`), or put it into a bucket that the endpoint is configured to read.",
  ),
  "upload.not-found": input(
    "There is no upload with this id, it is not complete, or it was removed.",
    "Upload the file again.",
  ),
  "upload.invalid": input(
    "An upload is larger than allowed, or other bytes came than were announced.",
    "Announce the file's size as it is, and send that many bytes.",
  ),
  "api.unauthorized": input(
    "The request has no bearer token, or one that is not known, expired or revoked.",
    "Send `Authorization: Bearer TOKEN`; `stampede tokens create` makes one.",
  ),
  "api.forbidden": input("The token's scope does not allow this.", "Use a token of the scope that the message names."),
  "api.invalid-request": input(
    "The request is not what the endpoint takes: its path, a parameter, a header or the body.",
    "Mend what the message names; `GET /openapi.json` describes every request.",
  ),
  "api.not-found": input(
    "There is nothing at this path.",
    "Look it up: `GET /openapi.json` lists the paths and their methods.",
  ),
  "api.too-large": input(
    "The body of the request is larger than allowed.",
    "Send less; data goes to `POST /v1/uploads`.",
  ),
  "api.too-slow": passing(
    "The body of the request did not arrive in time.",
    "Send it again, over a better connection.",
  ),
  "api.rate-limited": passing("There were too many requests.", "Wait as long as the header Retry-After says."),
  "api.key-reused": input(
    "The Idempotency-Key was used before, for another request.",
    "Make a new key for every new request; repeat a key only with the same body.",
  ),
  "api.unavailable": passing(
    "The endpoint did not answer, or not as a Stampede endpoint does.",
    "Check the URL, and whether `stampede serve` runs there; try again.",
  ),
  "store.not-writable": input(
    "The store's folder cannot be created or written, or there is no such bucket in this account and region.",
    "On this machine set STAMPEDE_HOME to a folder you may write, or change its permissions; on AWS mend STAMPEDE_BUCKET or AWS_REGION.",
  ),
  "store.forbidden": failure(
    "AWS does not allow a request that the job needs.",
    "Add the permission that the message names to the role or user; `stampede doctor --endpoint URL` lists all that are missing.",
  ),
  "store.full": failure(
    "The disk of the store, or of the temporary folder, is full.",
    "Free space: `stampede jobs gc` removes what no job needs.",
  ),
  "store.unavailable": passing(
    "The object store did not answer or answered with an error.",
    "Try again; the job can be resumed.",
  ),
  "store.corrupt": failure(
    "A stored object is truncated, damaged or was written by another program.",
    "Submit the job again. Where the message names a part of a data set, remove that part, or the folder of the data set, first: it is written anew.",
  ),
  "store.missing": failure(
    "A stored object that must exist is missing.",
    "It was removed from outside; submit the job again. What is missing of a data set is written anew.",
  ),
  "store.invalid-key": failure(
    "The store cannot hold an object of this name.",
    "Report it if Stampede made the key; keys come from ids that are validated.",
  ),
  "store.conflict": passing("Another writer changed the record first.", "Nothing to do; the record is read again."),
  "message.invalid": failure(
    "A queue message or invocation payload is not valid.",
    "It is moved to the dead letters; report it if Stampede wrote it.",
  ),
  "task.timed-out": passing(
    "An executor did not finish its task before the deadline.",
    "Raise training.taskTimeoutSeconds, use more executors, or look for a hang.",
  ),
  "task.crashed": passing(
    "An executor process or thread ended in the middle of a task.",
    "The task is tried again; see the cause in the message.",
  ),
  "task.silent": passing(
    "An executor that had begun a task was not heard of for too long.",
    "The task is tried again; raise training.heartbeatTimeoutSeconds if single batches take that long.",
  ),
  "task.output-damaged": passing(
    "What a task had committed was found damaged.",
    "The task is done again, and its output replaced; check the disk if it happens more than once.",
  ),
  "task.out-of-memory": passing(
    "An executor used more memory than its limit.",
    "Use more executors (smaller partitions) or raise the memory limit.",
  ),
  "training.non-finite": failure(
    "The loss or a weight became NaN or infinite.",
    "Lower the learning rate, scale or standardise the features, check the labels and the loss, or clip gradients.",
  ),
  "training.delta-too-long": failure(
    "A round changed the weights by more than training.deltaNorm.max.",
    "Lower the learning rate, clip gradients or deltas (training.deltaNorm.clip), or raise the bound.",
  ),
  "training.incompatible-delta": failure(
    "A delta's names, shapes or dtypes differ from the job's weights.",
    "The store mixes jobs or versions; submit the job again.",
  ),
  "internal.unexpected": passing("An error that Stampede did not foresee.", "Report it with the message."),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorCatalogue;

import * as z from "zod";

const Text = z.string().min(1).max(2048);

/** The variables that a function is deployed with; the SDK reads its own (`AWS_REGION`, `AWS_ENDPOINT_URL`, ...) itself. */
const Environment = z.object({
  STAMPEDE_BUCKET: Text,
  STAMPEDE_DRIVER_QUEUE_URL: Text,
  STAMPEDE_DELTAS_QUEUE_URL: Text,
  STAMPEDE_EXECUTOR_FUNCTION: Text,
  STAMPEDE_SHARDER_FUNCTION: Text,
  STAMPEDE_PARAMETER_SERVER_FUNCTION: Text,
  /** Absent where there is no Batch: then all executors are functions. */
  STAMPEDE_BATCH_QUEUE: Text.optional(),
  STAMPEDE_BATCH_DEFINITION: Text.optional(),
  /** MiB; set by Lambda. In a container it is told by whoever defines the job. */
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: z.coerce.number().int().min(128).default(3008),
});
export type Environment = z.infer<typeof Environment>;

let read: Environment | undefined;

/**
 * What this function was deployed with.
 * @throws Error that names every variable that is missing, and no value
 */
export function environment(): Environment {
  read ??= parse();
  return read;
}

function parse(): Environment {
  const parsed = Environment.safeParse(process.env);
  if (parsed.success) return parsed.data;
  const names = [...new Set(parsed.error.issues.map(({ path }) => path.join(".")))].join(", ");
  throw new Error(`Expected the function's environment to have ${names}. It was deployed without; deploy it again.`);
}

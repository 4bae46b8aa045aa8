import * as z from "zod";

/**
 * The requests this runner understands, as the SDK sends them. Fields it does not know are refused, not ignored: a job that ran
 * otherwise here than on AWS would prove nothing.
 */
const Name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/, "a name is 1 ... 128 letters, digits, - and _");
const NameOrArn = z.string().min(1).max(512);
const Text = z.string().max(100_000);

const KeyValues = z
  .array(
    z.strictObject({
      // https://docs.aws.amazon.com/batch/latest/APIReference/API_KeyValuePair.html
      name: z.string().refine((name) => !name.startsWith("AWS_BATCH"), "names that begin with AWS_BATCH are reserved"),
      value: Text,
    }),
  )
  .default([]);

const ResourceRequirements = z
  .array(z.strictObject({ type: z.enum(["VCPU", "MEMORY", "GPU"]), value: z.string().regex(/^\d+(\.\d+)?$/) }))
  .default([]);

const RetryStrategy = z.strictObject({ attempts: z.number().int().min(1).max(10).default(1) });

const Timeout = z.strictObject({
  attemptDurationSeconds: z.number().int().min(60, "the minimum value for the timeout is 60 seconds").max(1_209_600),
});

const Tags = z.record(z.string(), z.string()).optional();

export const SubmitJob = z.strictObject({
  jobName: Name,
  jobQueue: NameOrArn,
  jobDefinition: NameOrArn,
  containerOverrides: z
    .strictObject({
      command: z.array(Text).optional(),
      environment: KeyValues,
      resourceRequirements: ResourceRequirements,
    })
    .optional(),
  retryStrategy: RetryStrategy.optional(),
  timeout: Timeout.optional(),
  tags: Tags,
  propagateTags: z.boolean().optional(),
});
export type SubmitJob = z.infer<typeof SubmitJob>;

export const RegisterJobDefinition = z.strictObject({
  jobDefinitionName: Name,
  type: z.literal("container"),
  containerProperties: z.strictObject({
    image: z.string().min(1).max(512),
    command: z.array(Text).min(1),
    environment: KeyValues,
    resourceRequirements: ResourceRequirements,
  }),
  retryStrategy: RetryStrategy.default({ attempts: 1 }),
  timeout: Timeout.optional(),
  tags: Tags,
  propagateTags: z.boolean().optional(),
});
export type RegisterJobDefinition = z.infer<typeof RegisterJobDefinition>;

/** States in their order; a job is never in an earlier one again, except that an attempt that failed makes it RUNNABLE. */
const jobStates = ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED"] as const;
export type JobState = (typeof jobStates)[number];

export const DescribeJobs = z.strictObject({ jobs: z.array(z.string()).min(1).max(100) });

export const ListJobs = z.strictObject({
  jobQueue: NameOrArn,
  jobStatus: z.enum(jobStates).default("RUNNING"),
  maxResults: z.number().int().min(1).max(100).default(100),
  nextToken: z.string().regex(/^\d+$/).optional(),
});
export type ListJobs = z.infer<typeof ListJobs>;

/** Of CancelJob and TerminateJob. */
export const EndJob = z.strictObject({ jobId: z.string().min(1), reason: z.string().min(1).max(1024) });

export const DescribeJobQueues = z.strictObject({
  jobQueues: z.array(NameOrArn).optional(),
  maxResults: z.number().optional(),
});

export const DescribeJobDefinitions = z.strictObject({
  jobDefinitions: z.array(NameOrArn).optional(),
  jobDefinitionName: Name.optional(),
  status: z.literal("ACTIVE").optional(),
  maxResults: z.number().optional(),
});
export type DescribeJobDefinitions = z.infer<typeof DescribeJobDefinitions>;

import * as z from "zod";
import type { Catalogue } from "./catalogue.js";
import { Refusal } from "./refusal.js";
import {
  DescribeJobDefinitions,
  DescribeJobQueues,
  DescribeJobs,
  EndJob,
  ListJobs,
  RegisterJobDefinition,
  SubmitJob,
} from "./requests.js";
import type { Scheduler } from "./scheduler.js";
import { definitionViewOf, detailOf, queueViewOf, summaryOf } from "./views.js";

/** The limit of AWS: https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html */
const maxSubmitBytes = 30 * 1024;

type Operation = (body: string) => unknown;

/** What the API can do, by path: `/v1/submitjob` is `submitjob`. Each throws a Refusal for what it does not take. */
export function operationsOn(catalogue: Catalogue, scheduler: Scheduler): ReadonlyMap<string, Operation> {
  return new Map<string, Operation>([
    [
      "submitjob",
      (body) => {
        const bytes = Buffer.byteLength(body);
        if (bytes > maxSubmitBytes) throw new Refusal(`Expected at most ${maxSubmitBytes} bytes, found ${bytes}.`);
        const { arn, id, request } = scheduler.submit(parse(SubmitJob, body));
        return { jobArn: arn, jobName: request.jobName, jobId: id };
      },
    ],
    [
      "describejobs",
      (body) => {
        const jobs = parse(DescribeJobs, body).jobs.map((id) => scheduler.find(id));
        return { jobs: jobs.flatMap((job) => (job === undefined ? [] : [detailOf(job)])) };
      },
    ],
    ["listjobs", (body) => list(scheduler, parse(ListJobs, body))],
    ["canceljob", (body) => end(body, (id, reason) => scheduler.job(id).cancel(reason))],
    ["terminatejob", (body) => end(body, (id, reason) => scheduler.job(id).terminate(reason))],
    [
      "registerjobdefinition",
      (body) => {
        const { jobDefinitionName, arn, revision } = catalogue.register(parse(RegisterJobDefinition, body));
        return { jobDefinitionName, jobDefinitionArn: arn, revision };
      },
    ],
    [
      "describejobdefinitions",
      (body) => ({ jobDefinitions: catalogue.definitions(parse(DescribeJobDefinitions, body)).map(definitionViewOf) }),
    ],
    [
      "describejobqueues",
      (body) => ({ jobQueues: catalogue.queues(parse(DescribeJobQueues, body).jobQueues).map(queueViewOf) }),
    ],
  ]);
}

/** @throws Refusal when it is not what the operation takes */
function parse<S extends z.ZodType>(schema: S, body: string): z.output<S> {
  let value: unknown;
  try {
    value = JSON.parse(body === "" ? "{}" : body);
  } catch {
    throw new Refusal("Expected a request in JSON.");
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Refusal(`Error executing request, Exception : ${z.prettifyError(parsed.error)}`);
}

function list(scheduler: Scheduler, request: ListJobs): unknown {
  const from = Number(request.nextToken ?? 0);
  const all = scheduler.list(request);
  const to = from + request.maxResults;
  return {
    jobSummaryList: all.slice(from, to).map(summaryOf),
    ...(to < all.length && { nextToken: String(to) }),
  };
}

function end(body: string, act: (id: string, reason: string) => void): unknown {
  const { jobId, reason } = parse(EndJob, body);
  act(jobId, reason);
  return {};
}

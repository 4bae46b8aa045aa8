import { Asker } from "./asker.js";
import { Refused, Shortcoming, tried, type EndpointCheck } from "./check.js";
import type { AwsSettings } from "../clients/settings.js";
import { doctorClients, type DoctorClients } from "./clients.js";
import { Ground } from "./ground.js";
import { checkDriverQueue, checkQueues } from "./queues.js";
import { checkConditions } from "./s3-conditions.js";
import { checkObjects } from "./s3-objects.js";
import { checkServices } from "./services.js";

export interface EndpointToExamine extends Pick<AwsSettings, "endpoint" | "region" | "environment"> {
  /** @default one that is made for the occasion, and removed */
  readonly bucket?: string;
  /** The driver's queue. Whether it may be sent to is checked; no message is put into it. @default not checked */
  readonly queueUrl?: string;
}

/**
 * Proves that an AWS-compatible endpoint does what Stampede's correctness rests on, before any job is trusted to it. Takes some seconds
 * and a few hundred requests, and leaves nothing behind. Never rejects: what goes wrong is what was found.
 *
 * @param onCheck told of each check as soon as it is done
 */
export async function examineEndpoint(
  wanted: EndpointToExamine,
  onCheck: (check: EndpointCheck) => void = () => undefined,
): Promise<readonly EndpointCheck[]> {
  const checks: EndpointCheck[] = [];
  const tell = (...news: readonly EndpointCheck[]): void => {
    checks.push(...news);
    for (const check of news) onCheck(check);
  };
  const clients = doctorClients(wanted);
  try {
    await examine(clients, wanted, tell);
  } finally {
    clients.close();
  }
  return checks;
}

type Tell = (...checks: readonly EndpointCheck[]) => void;

async function examine(clients: DoctorClients, { bucket, queueUrl }: EndpointToExamine, tell: Tell): Promise<void> {
  const { s3, sqs, lambda, batch, clock, endpoint } = clients;
  const asker = new Asker();
  let ground: Ground | undefined;
  const where = endpoint ?? "S3, in the region that AWS_REGION or the profile names,";
  const remedy =
    bucket === undefined
      ? `check that ${where} is there, and the credentials`
      : "check the bucket's name, the endpoint and the credentials";
  const reached = await tried("bucket", remedy, async () => {
    ground = await openGround(clients, asker, bucket);
    return ground.name;
  });
  tell(reached);
  if (clock.skewMs !== undefined || ground !== undefined) {
    tell(await tried("clock", "set this machine's clock (NTP), or the endpoint's", async () => clock.judge()));
  }
  if (bucket !== undefined && reached.status === "missing" && asker.refused.includes("s3:ListBucket")) {
    ground = Ground.unlisted(s3, asker, bucket);
  }
  if (ground !== undefined) await examineStore(ground, tell);
  // Where nobody answered, nobody else will.
  else if (asker.granted.length === 0 && asker.refused.length === 0) return;
  if (queueUrl !== undefined) tell(await checkDriverQueue(sqs, asker, queueUrl));
  tell(...(await checkQueues(sqs, asker)));
  tell(...(await checkServices(lambda, batch)));
  tell(permissions(asker));
}

const credentialsRemedy =
  "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; most emulators take any words";

/** @throws Refused where a bucket that was given may not be listed */
async function openGround({ s3, region }: DoctorClients, asker: Asker, bucket: string | undefined): Promise<Ground> {
  return Ground.open(s3, asker, bucket, await region()).catch((error: unknown) => {
    if (error instanceof Error && error.name === "CredentialsProviderError") {
      throw new Shortcoming("no credentials", { remedy: credentialsRemedy });
    }
    if (!(error instanceof Refused) || error.action !== "s3:CreateBucket") throw error;
    throw new Error(`${error.message}. Name a bucket with --bucket`, { cause: error });
  });
}

async function examineStore(ground: Ground, tell: Tell): Promise<void> {
  try {
    tell(...(await checkConditions(ground)));
    tell(...(await checkObjects(ground)));
  } finally {
    const leftover = "remove it yourself";
    const cleaned = await tried("clean-up", leftover, async () => {
      await ground.cleanUp();
      return "nothing is left";
    });
    if (cleaned.status !== "ok") tell(cleaned);
  }
}

/** Only the doctor itself asks for these. */
const ofTheDoctor: ReadonlySet<string> = new Set([
  "s3:CreateBucket",
  "s3:DeleteBucket",
  "sqs:ChangeMessageVisibility",
  "sqs:CreateQueue",
  "sqs:DeleteMessage",
  "sqs:DeleteQueue",
  "sqs:ReceiveMessage",
]);

function permissions({ granted, refused }: Asker): EndpointCheck {
  const check = "permissions";
  const needed = refused.filter((action) => !ofTheDoctor.has(action));
  if (needed.length > 0) {
    return { check, status: "missing", found: `refused: ${needed.join(", ")}`, remedy: "grant these actions" };
  }
  const used = granted.filter((action) => !ofTheDoctor.has(action));
  const notNeeded = refused.length === 0 ? "" : `; refused, and not needed: ${refused.join(", ")}`;
  return { check, status: "ok", found: `${used.join(", ") || "none were asked for"}${notNeeded}` };
}

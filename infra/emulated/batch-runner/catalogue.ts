import { Refusal } from "./refusal.js";
import type { DescribeJobDefinitions, RegisterJobDefinition } from "./requests.js";

const place = "us-east-1:000000000000";

export function arnOf(kind: "job" | "job-queue" | "job-definition", name: string): string {
  return `arn:aws:batch:${place}:${kind}/${name}`;
}

export interface QueueSettings {
  readonly name: string;
  /** Jobs of it that run at the same time; the others wait in RUNNABLE. @default 2 */
  readonly maxRunning?: number;
}

export interface Queue {
  readonly name: string;
  readonly arn: string;
  readonly maxRunning: number;
}

export interface Definition extends RegisterJobDefinition {
  readonly revision: number;
  readonly arn: string;
}

/** The queues and job definitions that jobs may name, by name, `name:revision` or ARN. */
export class Catalogue {
  readonly #queues: readonly Queue[];
  /** In order of their revisions, by name. */
  readonly #definitions = new Map<string, Definition[]>();

  constructor(queues: readonly QueueSettings[]) {
    this.#queues = queues.map(({ name, maxRunning = 2 }) => ({ name, arn: arnOf("job-queue", name), maxRunning }));
  }

  /** @throws Refusal */
  queue(nameOrArn: string): Queue {
    const found = this.#queues.find(({ name, arn }) => nameOrArn === name || nameOrArn === arn);
    if (found === undefined) throw new Refusal(`Error executing request, Exception : JobQueue ${nameOrArn} not found.`);
    return found;
  }

  queues(namesOrArns?: readonly string[]): readonly Queue[] {
    return this.#queues.filter(({ name, arn }) => namesOrArns?.some((each) => each === name || each === arn) ?? true);
  }

  /** Makes the next revision. */
  register(request: RegisterJobDefinition): Definition {
    const name = request.jobDefinitionName;
    const revisions = this.#definitions.get(name) ?? [];
    const revision = revisions.length + 1;
    const definition = { ...request, revision, arn: arnOf("job-definition", `${name}:${revision}`) };
    this.#definitions.set(name, [...revisions, definition]);
    return definition;
  }

  /** The newest revision where none is named. @throws Refusal */
  definition(nameOrArn: string): Definition {
    const named = nameOrArn.startsWith("arn:") ? nameOrArn.slice(nameOrArn.lastIndexOf("/") + 1) : nameOrArn;
    const [name = "", revision] = named.split(":");
    const revisions = this.#definitions.get(name) ?? [];
    const found = revision === undefined ? revisions.at(-1) : revisions[Number(revision) - 1];
    if (found !== undefined) return found;
    throw new Refusal(`Error executing request, Exception : JobDefinition ${nameOrArn} not found.`);
  }

  definitions({ jobDefinitions, jobDefinitionName }: DescribeJobDefinitions): readonly Definition[] {
    const all = [...this.#definitions.values()].flat();
    if (jobDefinitionName !== undefined) return all.filter((each) => each.jobDefinitionName === jobDefinitionName);
    if (jobDefinitions === undefined) return all;
    return all.filter(({ arn, jobDefinitionName: name, revision }) =>
      jobDefinitions.some((each) => each === arn || each === name || each === `${name}:${revision}`),
    );
  }
}

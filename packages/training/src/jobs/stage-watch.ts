import {
  decodeRecord,
  EvaluationRecord,
  isDamage,
  keys,
  partitionOfOutput,
  ProgressRecord,
  readObject,
  type JobId,
  type ObjectStore,
  type Stage,
} from "@stampede/core";
import { readFailures, readRetries } from "../store/attempt-store.js";
import type * as z from "zod";
import type { SeenFacts } from "./events-from-facts.js";

/** Signs of life that one look reads at most, those first that were read longest ago: a stage may have 10,000. */
const maxSigns = 100;
const readsAtOnce = 16;

export type StageFacts = Pick<SeenFacts, "progress" | "outputs" | "evaluations" | "failures" | "retries">;

/** Looks at what is stored of one stage: one listing a time, and of what it lists only what is new is read. */
export class StageWatch {
  readonly #store: ObjectStore;
  readonly #job: JobId;
  readonly #stage: Stage;
  #looks = 0;
  /** By key: what it was when it was read last, and at which look. */
  readonly #signs = new Map<string, { readonly version: string; readonly look: number }>();
  readonly #evaluated = new Set<string>();
  #troubleKeys = 0;

  constructor(store: ObjectStore, job: JobId, stage: Stage) {
    this.#store = store;
    this.#job = job;
    this.#stage = stage;
  }

  isOf({ kind, round }: Stage): boolean {
    return this.#stage.kind === kind && this.#stage.round === round;
  }

  /** @param signs whether signs of life are read */
  async look({ signs: readsSigns }: { readonly signs: boolean }): Promise<StageFacts> {
    const [job, stage] = [this.#job, this.#stage];
    this.#looks += 1;
    const outputs = new Set<number>();
    const signs: { readonly key: string; readonly version: string }[] = [];
    const evaluations: string[] = [];
    let troubleKeys = 0;
    const trouble = [keys.failures(job, stage), keys.damages(job, stage), keys.retries(job, stage)];
    for await (const { key, bytes, modifiedAt } of this.#store.list(keys.round(job, stage.round))) {
      const partition = partitionOfOutput(key, job, stage);
      if (partition !== undefined) {
        outputs.add(partition);
        if (stage.kind === "evaluate" && !this.#evaluated.has(key)) evaluations.push(key);
      } else if (key.startsWith(keys.progresses(job, stage))) {
        if (readsSigns) signs.push({ key, version: `${modifiedAt} ${bytes}` });
      } else if (trouble.some((folder) => key.startsWith(folder))) {
        troubleKeys += 1;
      }
    }
    const hasTrouble = troubleKeys > this.#troubleKeys;
    const [progress, evaluated, failures, retries] = await Promise.all([
      this.#readSigns(signs),
      this.#readAll(EvaluationRecord, evaluations),
      hasTrouble ? readFailures(this.#store, job, stage) : [],
      hasTrouble ? readRetries(this.#store, job, stage) : [],
    ]);
    for (const key of evaluations) this.#evaluated.add(key);
    this.#troubleKeys = troubleKeys;
    return { progress, outputs, evaluations: evaluated, failures, retries };
  }

  async #readSigns(found: readonly { readonly key: string; readonly version: string }[]): Promise<ProgressRecord[]> {
    const lastLook = (key: string): number => this.#signs.get(key)?.look ?? 0;
    const moved = found
      .filter(({ key, version }) => this.#signs.get(key)?.version !== version)
      .toSorted((a, b) => lastLook(a.key) - lastLook(b.key))
      .slice(0, maxSigns);
    const read = await this.#readAll(
      ProgressRecord,
      moved.map(({ key }) => key),
    );
    for (const { key, version } of moved) this.#signs.set(key, { version, look: this.#looks });
    return read;
  }

  /** Without those that are gone or damaged: nothing depends on them. */
  async #readAll<S extends z.ZodType>(schema: S, found: readonly string[]): Promise<z.output<S>[]> {
    const records: z.output<S>[] = [];
    for (let from = 0; from < found.length; from += readsAtOnce) {
      const batch = found.slice(from, from + readsAtOnce).map((key) => this.#readOne(schema, key));
      for (const record of await Promise.all(batch)) if (record !== undefined) records.push(record);
    }
    return records;
  }

  async #readOne<S extends z.ZodType>(schema: S, key: string): Promise<z.output<S> | undefined> {
    try {
      return (await readObject(this.#store, key, (body) => decodeRecord(schema, body, key)))?.value;
    } catch (error) {
      if (isDamage(error)) return undefined;
      throw error;
    }
  }
}

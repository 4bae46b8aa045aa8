import type { ByteRange, ObjectInfo, ObjectStore, StoredObject, WriteOutcome } from "@stampede/core";
import type { Cloud } from "./cloud.js";
import type { Environment } from "./environment.js";

type Info = { readonly bytes: number; readonly etag: string } | undefined;

/** The store as one environment sees it: every request takes its time and is billed. */
export class TimedStore implements ObjectStore {
  readonly #environment: Environment;
  readonly #cloud: Cloud;

  constructor(environment: Environment, cloud: Cloud) {
    this.#environment = environment;
    this.#cloud = cloud;
  }

  async get(key: string, range?: ByteRange): Promise<StoredObject | undefined> {
    const { objects, weights } = this.#cloud;
    // What it weighs is known before it is asked for, as far as the number of requests goes.
    const whole = await objects.get(key);
    const { isOnPart, role } = this.#environment;
    const bytes = whole === undefined ? 0 : weights.read(key, whole.body, range, isOnPart);
    const read = (): Promise<StoredObject | undefined> => this.#get(key, range, bytes);
    const isDelta = role === "parameter-server" && range === undefined && key.includes("/deltas/");
    return isDelta ? this.#environment.readAhead(bytes, read) : read();
  }

  async #get(key: string, range: ByteRange | undefined, bytes: number): Promise<StoredObject | undefined> {
    const { bill, objects, latencies } = this.#cloud;
    const { isOnPart, role } = this.#environment;
    await this.#reads(key, bill.addRead(bytes, range !== undefined || isOnPart));
    const found = await objects.get(key, range);
    if (found === undefined) return undefined;
    const { loadBytesPerSecond, averageBytesPerSecond } = latencies;
    const rate = role === "executor" ? loadBytesPerSecond : averageBytesPerSecond;
    await this.#environment.holding(bytes, async () => {
      await this.#environment.transfer(bytes);
      await this.#environment.compute((bytes / rate) * 1000);
    });
    return found;
  }

  async head(key: string): Promise<Info> {
    this.#cloud.bill.add("s3:HeadObject");
    await this.#reads(key, 1);
    return this.#cloud.objects.head(key);
  }

  async create(key: string, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<WriteOutcome> {
    if (!(body instanceof Uint8Array)) throw new Error("Only data sets are written as streams.");
    const outcome = await this.#writes(key, body, () => this.#cloud.objects.create(key, body));
    // Whoever is refused looks whether its own object is there.
    if (outcome === "conflict") await this.head(key);
    return outcome;
  }

  async replace(key: string, body: Uint8Array, etag: string): Promise<WriteOutcome> {
    const outcome = await this.#writes(key, body, () => this.#cloud.objects.replace(key, body, etag));
    if (outcome === "conflict") await this.head(key);
    return outcome;
  }

  async *list(prefix: string): AsyncGenerator<ObjectInfo> {
    const found: ObjectInfo[] = [];
    await this.#reads(prefix, 1);
    for await (const info of this.#cloud.objects.list(prefix)) found.push(info);
    this.#cloud.bill.addList(found.length);
    if (found.length > 1_000) await this.#reads(prefix, Math.ceil(found.length / 1_000) - 1);
    yield* found;
  }

  async delete(key: string): Promise<void> {
    this.#cloud.bill.add("s3:DeleteObject");
    await this.#environment.pass(this.#cloud.chance.around(this.#cloud.latencies.s3Write));
    return this.#cloud.objects.delete(key);
  }

  /** @param requests that are made at the same time */
  async #reads(key: string, requests: number): Promise<void> {
    const { chance, latencies, turns } = this.#cloud;
    await this.#environment.compute(requests * latencies.requestCpuMs);
    await this.#environment.until((resume) => turns.read(key, requests, resume));
    await this.#environment.pass(chance.around(latencies.s3Read));
  }

  async #writes(key: string, body: Uint8Array, act: () => Promise<WriteOutcome>): Promise<WriteOutcome> {
    const { bill, chance, latencies, turns, weights, wrote } = this.#cloud;
    const bytes = weights.whole(key, body);
    const requests = bill.addWrite(bytes);
    const cpuMs = requests * latencies.requestCpuMs + (bytes / latencies.saveBytesPerSecond) * 1000;
    await this.#environment.compute(cpuMs);
    await this.#environment.until((resume) => turns.write(key, requests, resume));
    await this.#environment.holding(bytes, async () => {
      await this.#environment.transfer(bytes);
      await this.#environment.pass(chance.around(latencies.s3Write));
    });
    const outcome = await act();
    if (outcome !== "conflict") wrote(key, body, bytes);
    return outcome;
  }
}

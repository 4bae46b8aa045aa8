import {
  buildApi,
  createToken,
  type AccessEntry,
  type Api,
  type ApiDeps,
  type ApiLimits,
  type Transfer,
} from "@stampede/api";
import { Problem } from "@stampede/api/contract";
import type { ObjectStore } from "@stampede/core";
import { ManualClock, MemoryObjectStore, SequentialUnique } from "@stampede/testing";

/** An endpoint over a store in memory. Nobody prepares or runs its jobs: what is sent to the driver is kept. */
export interface ApiWorld {
  readonly api: Api;
  readonly store: ObjectStore;
  readonly clock: ManualClock;
  readonly sent: string[];
  readonly logged: AccessEntry[];
  /** Makes a token and answers the header that carries it. */
  token(scope: "read" | "submit" | "admin", expiresAt?: number): Promise<Record<string, string>>;
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

export interface ApiWorldOptions {
  readonly store?: ObjectStore;
  readonly limits?: Partial<ApiLimits>;
  readonly buckets?: readonly string[];
  readonly transfer?: Transfer;
  readonly origins?: readonly string[];
  /** What the address of the one who asks is. */
  readonly address?: () => string;
}

export function apiWorld(options: ApiWorldOptions = {}): ApiWorld {
  const clock = new ManualClock();
  const store = options.store ?? new MemoryObjectStore(clock);
  const sent: string[] = [];
  const logged: AccessEntry[] = [];
  const deps: ApiDeps = {
    store,
    clock,
    unique: new SequentialUnique(),
    queues: { driver: { send: async (body) => void sent.push(body) } },
    capacity: { cores: 2, executors: 2, memoryBytes: 2 ** 32 },
    transfer: options.transfer ?? { by: "endpoint" },
    buckets: options.buckets ?? [],
    origins: options.origins ?? [],
    limits: { requestsPerSecond: 100_000, failuresPerMinute: 100_000, lookMs: 5, heartbeatMs: 20, ...options.limits },
    version: "0.1.0",
    log: (entry) => void logged.push(entry),
    addressOf: options.address ?? (() => "127.0.0.1"),
  };
  const api = buildApi(deps);
  return {
    api,
    store,
    clock,
    sent,
    logged,
    async token(scope, expiresAt) {
      const expiry = expiresAt === undefined ? {} : { expiresAt };
      const { token } = await createToken({ name: scope, scope, ...expiry }, store, clock);
      return { Authorization: `Bearer ${token}` };
    },
    fetch: async (path, init) => api.app.request(path, init),
  };
}

/** A request with a JSON body. */
export function posted(body: unknown, headers: Readonly<Record<string, string>> = {}): RequestInit {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { method: "POST", body: text, headers: { "Content-Type": "application/json", ...headers } };
}

/** The code of a problem, which has to be one in every respect. */
export async function codeOf(response: Response): Promise<string> {
  if (response.headers.get("content-type") !== "application/problem+json") {
    throw new Error(`expected a problem, found ${response.status} ${await response.text()}`);
  }
  const problem = Problem.parse(await response.json());
  if (problem.status !== response.status) {
    throw new Error(`${problem.status} in the body, ${response.status} on the wire`);
  }
  return problem.code;
}

/** A job as the endpoint takes it: digits, which come with Stampede. */
export function digitsJob(training: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const dense = (name: string, config: object): object => ({ class_name: "Dense", config: { name, ...config } });
  return {
    name: "digits",
    model: {
      class_name: "Sequential",
      config: {
        name: "small",
        layers: [
          dense("hidden", { units: 16, activation: "relu", batch_input_shape: [null, 64] }),
          dense("out", { units: 10, activation: "softmax" }),
        ],
      },
    },
    compile: { optimizer: "adam", loss: "categoricalCrossentropy", metrics: ["accuracy"] },
    data: {
      train: { format: "builtin", name: "digits", features: { scale: 16 }, labels: { oneHot: 10 } },
      validationSplit: 0.1,
    },
    training: { executors: 2, epochs: 3, batchSize: 32, seed: 7, ...training },
  };
}

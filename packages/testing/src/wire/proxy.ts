import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { carryOut } from "./carry-out.js";
import { Exchange } from "./exchange.js";
import type { WireFault } from "./faults.js";
import { countsOf, type WireCounts, type WireRecord } from "./log.js";
import { WireFate, type WirePlan } from "./plan.js";
import { recognise, serviceOf, type RequestHead } from "./recognise.js";
import { Upstream } from "./upstream.js";

export interface FaultProxyOptions {
  /** The emulator: `http://127.0.0.1:4566`. */
  readonly upstream: string;
  /** @default nothing goes wrong */
  readonly plan?: WirePlan;
  /** Of all chance. @default 0 */
  readonly seed?: number;
}

/** A proxy in front of an AWS emulator, between which and its clients things go wrong. */
export interface FaultProxy {
  /** What clients are given in place of the emulator's. */
  readonly endpoint: string;
  /** Every request since the start, in the order in which they came; those under way as far as they are. */
  log(): readonly WireRecord[];
  counts(): WireCounts;
  /**
   * Requests from now on follow another plan, and are counted from 1.
   * @param seed the one before where none is given
   */
  setPlan(plan: WirePlan, seed?: number): void;
  close(): Promise<void>;
}

/**
 * Starts a fault proxy on a free port of the loopback interface.
 * @throws RangeError for a plan that has a fault its operation cannot have
 */
export async function startFaultProxy({ upstream, plan = {}, seed = 0 }: FaultProxyOptions): Promise<FaultProxy> {
  const proxy = new WireProxy(upstream, plan, seed);
  return proxy.open();
}

class WireProxy {
  readonly #upstream: Upstream;
  readonly #server = createServer();
  readonly #startedAt = performance.now();
  readonly #log: WireRecord[] = [];
  #plan: WirePlan;
  #seed: number;
  #fate: WireFate;

  constructor(upstream: string, plan: WirePlan, seed: number) {
    this.#fate = new WireFate(plan, seed);
    this.#upstream = new Upstream(upstream);
    this.#plan = plan;
    this.#seed = seed;
    // Long polls and slow tests are nothing to break off, and an idle connection that ends by itself would be a fault of no plan.
    this.#server.requestTimeout = 0;
    this.#server.keepAliveTimeout = 0;
    const handle = (request: IncomingMessage, response: ServerResponse): void => void this.#handle(request, response);
    this.#server.on("request", handle).on("checkContinue", handle);
  }

  async open(): Promise<FaultProxy> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error(`Expected a port, found ${String(address)}.`);
    return {
      endpoint: `http://127.0.0.1:${address.port}`,
      log: () => this.#log.map((record) => ({ ...record })),
      counts: () => countsOf(this.#log),
      setPlan: (plan, seed) => this.#setPlan(plan, seed ?? this.#seed),
      close: () => this.#close(),
    };
  }

  #setPlan(plan: WirePlan, seed: number): void {
    this.#fate = new WireFate(plan, seed);
    this.#plan = plan;
    this.#seed = seed;
    if (plan.partitioned === true) this.#server.closeAllConnections();
  }

  async #close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    this.#upstream.close();
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      // An upload's order in the log is that of its head; SQS names the queue in the body only.
      const head = headOf(request);
      const body = serviceOf(head) === "sqs" ? await buffer(request) : undefined;
      const exchange = this.#begin(request, response, head, body);
      const { fault } = exchange.record;
      if (fault?.kind === "partitioned") exchange.reset();
      else await this.#carryOut(exchange, fault);
    } catch {
      // Client or emulator broke off, and the log has no status; whoever is left on the client's side sees the connection end.
      response.destroy();
    }
  }

  #begin(request: IncomingMessage, response: ServerResponse, head: RequestHead, body: Buffer | undefined): Exchange {
    const asked = recognise(head, body);
    const { occurrence, fault } = this.#fate.decide(asked);
    const record: WireRecord = {
      ...asked,
      number: this.#log.length + 1,
      at: Math.round(performance.now() - this.#startedAt),
      occurrence,
      fault: this.#plan.partitioned === true ? { kind: "partitioned" } : fault,
      upstreamStatus: undefined,
      status: undefined,
    };
    const exchange = new Exchange(request, response, record, body);
    this.#log.push(exchange.record);
    return exchange;
  }

  async #carryOut(exchange: Exchange, fault: WireFault | undefined): Promise<void> {
    try {
      await carryOut(exchange, this.#upstream, fault);
    } catch (error) {
      if (this.#plan.partitioned === true) exchange.record.fault = { kind: "partitioned" };
      throw error;
    }
  }
}

function headOf({ method = "", url = "/", headersDistinct }: IncomingMessage): RequestHead {
  return { method, url, headers: headersDistinct };
}

import { Environment } from "./environment.js";
import type { Cloud } from "./cloud.js";
import type { FunctionRole } from "./setup.js";

const scalingMs = 10_000;

interface Pool {
  readonly all: Environment[];
  readonly idle: Environment[];
  /** When cold environments were begun. */
  readonly colds: number[];
  active: number;
  mostActive: number;
}

/** What was used of a function. */
export interface PoolFacts {
  readonly environments: number;
  readonly mostActive: number;
  /** Of one environment: bodies that were on their way at the same time. */
  readonly mostHeldBytes: number;
}

/** Calls functions in environments that are idle, or new ones. */
export class FunctionPool {
  readonly #cloud: Cloud;
  readonly #pools: Readonly<Record<FunctionRole, Pool>>;

  constructor(cloud: Cloud) {
    this.#cloud = cloud;
    const empty = (): Pool => ({ all: [], idle: [], colds: [], active: 0, mostActive: 0 });
    this.#pools = { driver: empty(), "parameter-server": empty(), executor: empty() };
  }

  /** @param work what the function does; `beganAt` is when its environment was begun or woken, which is when billing begins */
  async call(role: FunctionRole, work: (environment: Environment, beganAt: number) => Promise<void>): Promise<void> {
    const pool = this.#pools[role];
    const { time, bill, setup } = this.#cloud;
    pool.active += 1;
    pool.mostActive = Math.max(pool.mostActive, pool.active);
    const { environment, beganAt } = await this.#take(role, pool);
    try {
      await environment.run(() => work(environment, beganAt));
    } catch (error) {
      // Nothing goes wrong here: what does is the simulation's own fault.
      this.#cloud.failure ??= error instanceof Error ? error : new Error(String(error));
    }
    bill.addRun(role, setup.memoryMb[role], time.exact - beganAt);
    pool.active -= 1;
    pool.idle.push(environment);
  }

  facts(role: FunctionRole): PoolFacts {
    const { all, mostActive } = this.#pools[role];
    const mostHeldBytes = all.reduce((most, environment) => Math.max(most, environment.mostHeldBytes), 0);
    return { environments: all.length, mostActive, mostHeldBytes };
  }

  async #take(role: FunctionRole, pool: Pool): Promise<{ environment: Environment; beganAt: number }> {
    const { latencies, chance, time } = this.#cloud;
    // Which of them is nobody's choice, so that a task most often comes to another one than the round before.
    const [warm] = pool.idle.splice(Math.floor(chance.unit() * pool.idle.length), 1);
    if (warm !== undefined) {
      await this.#pass(chance.around(latencies.dispatch));
      return { environment: warm, beganAt: time.exact };
    }
    const before = pool.colds.at(-latencies.environmentsPerTenSeconds) ?? -Infinity;
    const beganAt = Math.max(time.exact, before + scalingMs);
    pool.colds.push(beganAt);
    const environment = new Environment(role, this.#cloud);
    pool.all.push(environment);
    await this.#pass(beganAt - time.exact + chance.around(latencies.coldStart));
    return { environment, beganAt };
  }

  #pass(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#cloud.time.after(ms, resolve));
  }
}

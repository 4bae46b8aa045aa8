import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/**
 * A place where functions wait until a test lets them go on, in threads as in processes: they connect to it. It also shows when one of
 * them has ended, whoever ended it and however.
 */
export class Gate {
  readonly path: string;
  readonly #server: Server;
  readonly #arrived = new Set<Socket>();
  readonly #looking = new Set<() => void>();
  #isOpen = false;
  #left = 0;

  /** @param count opens by itself when so many have come */
  static async make({ count = Number.POSITIVE_INFINITY }: { readonly count?: number } = {}): Promise<Gate> {
    const folder = mkdtempSync(join(tmpdir(), "gate-"));
    const gate = new Gate(join(folder, "gate"), count);
    onTestFinished(() => {
      gate.#server.close();
      for (const socket of gate.#arrived) socket.destroy();
      rmSync(folder, { recursive: true, force: true });
    });
    await new Promise<void>((resolve) => gate.#server.listen(gate.path, resolve));
    return gate;
  }

  private constructor(path: string, count: number) {
    this.path = path;
    this.#server = createServer((socket) => {
      this.#arrived.add(socket);
      socket.on("error", () => undefined).on("close", () => this.#leave());
      socket.resume();
      if (this.#arrived.size >= count) this.open();
      if (this.#isOpen) socket.end();
      this.#look();
    });
  }

  /** Lets everybody go on who waits or is yet to come. */
  open(): void {
    this.#isOpen = true;
    for (const socket of this.#arrived) socket.end();
  }

  /** Resolves when so many have come. */
  arrived(count = 1): Promise<void> {
    return this.#until(() => this.#arrived.size >= count);
  }

  /** Resolves when so many of them have gone on, or have ended. */
  left(count = 1): Promise<void> {
    return this.#until(() => this.#left >= count);
  }

  #leave(): void {
    this.#left += 1;
    this.#look();
  }

  #until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds()) return;
        this.#looking.delete(look);
        resolve();
      };
      this.#looking.add(look);
      look();
    });
  }

  #look(): void {
    for (const look of this.#looking) look();
  }
}

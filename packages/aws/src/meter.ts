/** Bytes of bodies, as their headers say; without those of answers that failed. */
export interface Traffic {
  readonly sent: number;
  readonly received: number;
}

const nothing: Traffic = { sent: 0, received: 0 };

/** Counts what is asked of AWS, retries included: what is counted is what is billed. */
export class RequestMeter {
  readonly #counts = new Map<string, number>();
  readonly #traffic = new Map<string, Traffic>();

  /** @param service as in `s3`; @param operation as in `PutObject`; @param bytes of the request's body */
  add(service: string, operation: string, bytes = 0): void {
    const name = `${service}:${operation}`;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    this.#carry(service, bytes, 0);
  }

  /** @param bytes of an answer's body */
  addReceived(service: string, bytes: number): void {
    this.#carry(service, 0, bytes);
  }

  /** Requests by `service:Operation`. */
  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  /** By service. */
  traffic(): Readonly<Record<string, Traffic>> {
    return Object.fromEntries(this.#traffic);
  }

  reset(): void {
    this.#counts.clear();
    this.#traffic.clear();
  }

  #carry(service: string, sent: number, received: number): void {
    const before = this.#traffic.get(service) ?? nothing;
    this.#traffic.set(service, { sent: before.sent + sent, received: before.received + received });
  }
}

/** Functions and whoever stands outside of the cloud. */
export type Role = "client" | "driver" | "parameter-server" | "executor";

/** Requests by `service:Operation`. */
export type Requests = Readonly<Record<string, number>>;

const partBytes = 8 * 2 ** 20;
const pageKeys = 1_000;

/** Counts requests as AWS bills them. */
export class Bill {
  #requests = new Map<string, number>();
  readonly #gbSeconds = new Map<Role, number>();

  add(request: string, count = 1): void {
    this.#requests.set(request, (this.#requests.get(request) ?? 0) + count);
  }

  /** An object, or a range of one, as `S3ObjectStore` reads it. @returns how many requests that takes */
  addRead(bytes: number, isRange: boolean): number {
    const isLarge = bytes > 2 * partBytes;
    // The first answer of a whole object is dropped when it tells that the object is large, that of a range is its first part.
    const count = isLarge ? 1 + Math.ceil((bytes - (isRange ? partBytes : 0)) / partBytes) : 1;
    this.add("s3:GetObject", count);
    return count;
  }

  /** @returns how many requests it takes to write so much */
  addWrite(bytes: number): number {
    if (bytes <= partBytes) {
      this.add("s3:PutObject");
      return 1;
    }
    const parts = Math.ceil(bytes / partBytes);
    this.add("s3:CreateMultipartUpload");
    this.add("s3:UploadPart", parts);
    this.add("s3:CompleteMultipartUpload");
    return parts + 2;
  }

  /** @param keys that are listed */
  addList(keys: number): void {
    this.add("s3:ListObjectsV2", Math.max(1, Math.ceil(keys / pageKeys)));
  }

  addRun(role: Role, memoryMb: number, ms: number): void {
    this.#gbSeconds.set(role, (this.#gbSeconds.get(role) ?? 0) + ((memoryMb / 1024) * ms) / 1000);
  }

  /** Since the last call. */
  takeRequests(): Requests {
    const taken = Object.fromEntries(this.#requests);
    this.#requests = new Map();
    return taken;
  }

  gbSeconds(): Readonly<Partial<Record<Role, number>>> {
    return Object.fromEntries(this.#gbSeconds);
  }
}

/** The sum of several. */
export function sumOf(all: readonly Requests[]): Requests {
  const sum: Record<string, number> = {};
  for (const requests of all) {
    for (const [name, count] of Object.entries(requests)) sum[name] = (sum[name] ?? 0) + count;
  }
  return sum;
}

import { keys, type ByteRange, type JobId } from "@stampede/core";

const lengthBytes = 8;
/** There is a checksum of four bytes for so many bytes of a delta, also in the plan of its slices. */
const checkedBytes = 2 ** 18;

export interface WeightsOptions {
  readonly job: JobId;
  readonly partitions: number;
  readonly slices: number;
  /** Real bytes of the weights, and the bytes that they stand for. */
  readonly realBytes: number;
  readonly countedBytes: number;
  /** What a partition of the data stands for. */
  readonly partitionBytes: number;
}

/**
 * What objects weigh. The weights of the simulated job are tiny, and each of their bytes stands for many; headers and records count as they
 * are.
 */
export class Weights {
  readonly #options: WeightsOptions;

  constructor(options: WeightsOptions) {
    this.#options = options;
  }

  whole(key: string, body: Uint8Array): number {
    const { partitions, slices, realBytes, countedBytes, partitionBytes, job } = this.#options;
    if (key.startsWith(keys.datasets)) return key.endsWith("manifest.json") ? body.length : partitionBytes;
    if (!key.startsWith(keys.job(job)) || !key.endsWith(".safetensors")) return body.length;
    if (key.endsWith("/slice-plan.safetensors")) {
      // Tiny deltas have no checksums of their parts, and neither has their plan.
      return slices === 1 ? body.length : body.length + partitions * 4 * Math.ceil(countedBytes / checkedBytes);
    }
    const data = body.length - headerEnd(body);
    return headerEnd(body) + data * (countedBytes / realBytes);
  }

  /** Of a read. Tiny deltas are read whole by those who average one slice; of large ones a slice is read. */
  read(key: string, body: Uint8Array, range: ByteRange | undefined, isOfSlice: boolean): number {
    const whole = this.whole(key, body);
    if (range !== undefined) return Math.max(0, Math.min(range.end, whole) - range.start);
    return isOfSlice && key.includes("/deltas/") ? (whole - headerEnd(body)) / this.#options.slices : whole;
  }
}

function headerEnd(body: Uint8Array): number {
  const length = new DataView(body.buffer, body.byteOffset).getBigUint64(0, true);
  return lengthBytes + Number(length);
}

import { keys, type ByteRange, type JobId } from "@stampede/core";

const lengthBytes = 8;
/** There is a checksum of four bytes for so many bytes of a delta, also in the plan of its slices. */
const checkedBytes = 2 ** 18;
const deltasPerPlan = 32;

export interface WeightsOptions {
  readonly job: JobId;
  readonly parts: number;
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
    const { parts, realBytes, countedBytes, partitionBytes, job } = this.#options;
    if (key.startsWith(keys.datasets)) return key.endsWith("manifest.json") ? body.length : partitionBytes;
    if (!key.startsWith(keys.job(job)) || !key.endsWith(".safetensors")) return body.length;
    if (key.includes("/reduction/plans/")) {
      // Tiny deltas have no checksums of their blocks, and neither has their plan.
      return body.length + (parts === 1 ? 0 : deltasPerPlan * 4 * Math.ceil(countedBytes / checkedBytes));
    }
    const data = body.length - headerEnd(body);
    return headerEnd(body) + data * (countedBytes / realBytes);
  }

  /** Of a read. Tiny deltas are read whole by those who add up one part; of large ones a part is read. */
  read(key: string, body: Uint8Array, range: ByteRange | undefined, isOfPart: boolean): number {
    const whole = this.whole(key, body);
    if (range !== undefined) return Math.max(0, Math.min(range.end, whole) - range.start);
    return isOfPart && key.includes("/deltas/") ? (whole - headerEnd(body)) / this.#options.parts : whole;
  }
}

function headerEnd(body: Uint8Array): number {
  const length = new DataView(body.buffer, body.byteOffset).getBigUint64(0, true);
  return lengthBytes + Number(length);
}

/** One buffer used for block after block, so that blocks do not pile up until the garbage collector comes by. */
export class Scratch {
  #buffer = new ArrayBuffer(0);

  /** Bytes with unknown content, aligned for every dtype; the bytes handed out before are the same ones. */
  take(length: number): Buffer<ArrayBuffer> {
    if (this.#buffer.byteLength < length) this.#buffer = new ArrayBuffer(length);
    return Buffer.from(this.#buffer, 0, length);
  }
}

/** The wire format of Protocol Buffers, as far as ONNX needs it: https://protobuf.dev/programming-guides/encoding/ */
const wireTypes = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** Appends fields of one message. Sub-messages are other writers, whose bytes are not copied until `finish`. */
export class MessageWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  /** A whole number; negative ones take ten bytes. */
  integer(field: number, value: number): this {
    return this.#push(varint(field * 8 + wireTypes.varint)).#push(varint(value));
  }

  /** A packed list of numbers from 0 to 2^31 - 1. */
  integers(field: number, values: ArrayLike<number>): this {
    const bytes = new Uint8Array(values.length * 5);
    let length = 0;
    for (let index = 0; index < values.length; index += 1) {
      let rest = values[index] ?? 0;
      for (; rest > 127; rest >>= 7) bytes[length++] = (rest & 127) | 128;
      bytes[length++] = rest;
    }
    return this.bytes(field, bytes.slice(0, length));
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#push(varint(field * 8 + wireTypes.fixed32)).#push(bytes);
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#push(varint(field * 8 + wireTypes.bytes)).#push(varint(value.length)).#push(value);
  }

  message(field: number, value: MessageWriter): this {
    this.#push(varint(field * 8 + wireTypes.bytes)).#push(varint(value.#length));
    for (const part of value.#parts) this.#push(part);
    return this;
  }

  finish(): Uint8Array<ArrayBuffer> {
    const whole = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  #push(part: Uint8Array): this {
    this.#parts.push(part);
    this.#length += part.length;
    return this;
  }
}

const word = 2 ** 32;

/** Base-128 groups of the 64-bit two's complement, lowest first. */
function varint(value: number): Uint8Array {
  if (value < 0) return negative(value);
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

function negative(value: number): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

export interface WireField {
  readonly field: number;
  /** Numbers of varint fields, the bytes of all others. */
  readonly value: number | Uint8Array;
}

/**
 * The fields of one message in order.
 * @throws RangeError when the bytes are cut off or are no message
 */
export function* readMessage(bytes: Uint8Array): Generator<WireField> {
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at];
      if (byte === undefined) throw new RangeError("a message that is cut off");
      at += 1;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    throw new RangeError("a number of more than ten bytes");
  };
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at) throw new RangeError("a message that is cut off");
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = next();
    const field = Math.floor(tag / 8);
    if (field < 1 || field >= word / 8) throw new RangeError(`a field ${field}`);
    switch (tag % 8) {
      case wireTypes.varint:
        yield { field, value: next() };
        break;
      case wireTypes.fixed64:
        yield { field, value: take(8) };
        break;
      case wireTypes.bytes:
        yield { field, value: take(next()) };
        break;
      case wireTypes.fixed32:
        yield { field, value: take(4) };
        break;
      default:
        throw new RangeError(`a wire type ${tag % 8}`);
    }
  }
}

import { onnxTypes, type GraphDType } from "./data-types.js";
import { MessageWriter } from "./wire.js";

/** Numbers of a tensor, of any type; int64 as float64 (whole numbers up to 2^53), bool as 0 and 1. */
type Numbers = ArrayLike<number> & Partial<ArrayBufferView>;

/** Fields of TensorProto that hold whole numbers in a byte to three each, where they are small: shapes, axes and indices are. */
const packedFields: Partial<Record<GraphDType, number>> = { int32: 5, int64: 7 };
const packedLimit = 2 ** 21;

/** A `TensorProto` with its data in it. */
export function tensorMessage(name: string, dtype: GraphDType, shape: readonly number[], data: Numbers): MessageWriter {
  const message = new MessageWriter();
  for (const extent of shape) message.integer(1, extent);
  message.integer(2, onnxTypes[dtype]);
  const packed = packedFields[dtype];
  if (packed !== undefined && areSmall(data)) message.integers(packed, data);
  else message.bytes(9, littleEndian(dtype, data));
  return message.text(8, name);
}

function areSmall(data: Numbers): boolean {
  for (let index = 0; index < data.length; index += 1) {
    const value = data[index] ?? 0;
    if (value < 0 || value >= packedLimit) return false;
  }
  return true;
}

function littleEndian(dtype: GraphDType, data: Numbers): Uint8Array {
  const typed = wireArray(dtype, data);
  return new Uint8Array(typed.buffer, typed.byteOffset, typed.byteLength);
}

/** Processors that Stampede runs on are little-endian, as ONNX' raw data is. */
function wireArray(dtype: GraphDType, data: Numbers): ArrayBufferView {
  switch (dtype) {
    case "float32":
      return data instanceof Float32Array ? data : Float32Array.from(data);
    case "float64":
      return data instanceof Float64Array ? data : Float64Array.from(data);
    case "int64":
      return BigInt64Array.from(Array.from(data), (value) => BigInt(value));
    case "int32":
      return data instanceof Int32Array ? data : Int32Array.from(data);
    case "int16":
      return Int16Array.from(data);
    case "uint16":
      return Uint16Array.from(data);
    case "int8":
      return Int8Array.from(data);
    case "uint8":
    case "bool":
      return data instanceof Uint8Array ? data : Uint8Array.from(data);
  }
}

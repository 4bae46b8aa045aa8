import { onnxTypes, type GraphDType } from "./data-types.js";
import { MessageWriter } from "./wire.js";

/** Numbers of a tensor, of any type; int64 as float64 (whole numbers up to 2^53), bool as 0 and 1. */
type Numbers = ArrayLike<number> & Partial<ArrayBufferView>;

/** Shapes and axes, of which a graph has hundreds, take a byte or two a number; what is large is copied as it is. */
const maxPacked = 64;

/** A `TensorProto` with its data in it. */
export function tensorMessage(name: string, dtype: GraphDType, shape: readonly number[], data: Numbers): MessageWriter {
  const message = new MessageWriter();
  for (const extent of shape) message.integer(1, extent);
  message.integer(2, onnxTypes[dtype]);
  if (dtype === "int64" && data.length <= maxPacked) message.integers(7, Array.from(data));
  else message.bytes(9, littleEndian(dtype, data));
  return message.text(8, name);
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

/**
 * Element types of graph values, with ONNX' numbers for them (`TensorProto.DataType` of
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto): those of tfjs (float32, int32, bool), those that data is stored in, and int64
 * for ONNX' shape arithmetic.
 */
export const onnxTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
} as const;
export type GraphDType = keyof typeof onnxTypes;

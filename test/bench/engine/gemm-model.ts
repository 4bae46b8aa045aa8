/**
 * An ONNX model that multiplies an m x k and a k x n matrix once for each element of `xs`, inside a Scan, as training steps run. Input
 * and output change with every product, so that none can be left out.
 *
 * The few messages of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto that it needs are written here by hand.
 */
export function gemmModel(m: number, k: number, n: number): Uint8Array {
  const body = graph(
    [
      node("Identity", ["state"], ["next"]),
      node("Add", ["a", "x"], ["sum"]),
      node("Gemm", ["sum", "b"], ["product"]),
      node("Slice", ["product", "from", "to"], ["corner"]),
    ],
    [corner("from", 0), corner("to", 1)],
    [tensor("state", [1]), tensor("x", [1])],
    [tensor("next", [1]), tensor("corner", [1, 1])],
  );
  const main = graph(
    [node("Scan", ["first", "xs"], ["last", "corners"], [graphAttribute("body", body), integer("num_scan_inputs", 1)])],
    [],
    [tensor("a", [m, k]), tensor("b", [k, n]), tensor("first", [1]), tensor("xs", ["steps", 1])],
    [tensor("last", [1]), tensor("corners", ["steps", 1, 1])],
  );
  return bytes([number(1, irVersion), message(7, main), message(8, [number(2, opset)])]);
}

const irVersion = 8;
const opset = 17;
const float32 = 1;
const int64 = 7;

/** Encoded fields of one message. */
type Fields = readonly Uint8Array[];

function graph(
  nodes: readonly Fields[],
  constants: readonly Fields[],
  inputs: readonly Fields[],
  outputs: readonly Fields[],
): Fields {
  return [
    ...nodes.map((fields) => message(1, fields)),
    text(2, "g"),
    ...constants.map((fields) => message(5, fields)),
    ...inputs.map((fields) => message(11, fields)),
    ...outputs.map((fields) => message(12, fields)),
  ];
}

function node(
  operator: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: readonly Fields[] = [],
): Fields {
  return [
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, operator),
    ...attributes.map((fields) => message(5, fields)),
  ];
}

function graphAttribute(name: string, value: Fields): Fields {
  return [text(1, name), message(6, value), number(20, 5)];
}

function integer(name: string, value: number): Fields {
  return [text(1, name), number(3, value), number(20, 2)];
}

/** Both coordinates of a corner of a slice. */
function corner(name: string, at: number): Fields {
  return [
    number(1, 2),
    number(2, int64),
    text(8, name),
    raw(9, new Uint8Array(BigInt64Array.of(BigInt(at), BigInt(at)).buffer)),
  ];
}

function tensor(name: string, shape: readonly (number | string)[]): Fields {
  const dimensions = shape.map((extent) =>
    message(1, [typeof extent === "string" ? text(2, extent) : number(1, extent)]),
  );
  return [text(1, name), message(2, [message(1, [number(1, float32), message(2, dimensions)])])];
}

function number(field: number, value: number): Uint8Array {
  return bytes([varint(field << 3), varint(value)]);
}

function text(field: number, value: string): Uint8Array {
  return raw(field, new TextEncoder().encode(value));
}

function message(field: number, fields: Fields): Uint8Array {
  return raw(field, bytes(fields));
}

function raw(field: number, value: Uint8Array): Uint8Array {
  return bytes([varint((field << 3) | 2), varint(value.length), value]);
}

function varint(value: number): Uint8Array {
  const groups: number[] = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) groups.push((rest & 127) | 128);
  return Uint8Array.of(...groups, rest);
}

function bytes(parts: Fields): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

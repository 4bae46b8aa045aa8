/** Field numbers of onnx.proto. */
const fields = { graphOfModel: 7, nodeOfGraph: 1, opOfNode: 4, attributeOfNode: 5, graphOfAttribute: 6 } as const;

/** The number of nodes of an ONNX file, with those of bodies. */
export function countNodes(model: Uint8Array): number {
  return opsOf(model).length;
}

/** The operators of all nodes of an ONNX file, with those of bodies; only of those that stand in so many bodies, if it is said. */
export function opsOf(model: Uint8Array, inBodies = 0): readonly string[] {
  return messages(model, fields.graphOfModel).flatMap((graph) => opsOfGraph(graph, inBodies));
}

function opsOfGraph(graph: Uint8Array, inBodies: number): readonly string[] {
  return messages(graph, fields.nodeOfGraph).flatMap((node) => {
    const bodies = messages(node, fields.attributeOfNode).flatMap((each) => messages(each, fields.graphOfAttribute));
    const own = inBodies > 0 ? [] : messages(node, fields.opOfNode).map((name) => Buffer.from(name).toString());
    return [...own, ...bodies.flatMap((body) => opsOfGraph(body, inBodies - 1))];
  });
}

/** The sub-messages in one field of a message: https://protobuf.dev/programming-guides/encoding/ */
function messages(bytes: Uint8Array, wanted: number): readonly Uint8Array[] {
  const found: Uint8Array[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    if (tag % 8 === 0) varint();
    else if (tag % 8 === 1) at += 8;
    else if (tag % 8 === 5) at += 4;
    else {
      const length = varint();
      if (Math.floor(tag / 8) === wanted) found.push(bytes.subarray(at, at + length));
      at += length;
    }
  }
  return found;
}

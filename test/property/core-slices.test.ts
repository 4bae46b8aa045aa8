import { fc, test } from "@fast-check/vitest";
import {
  bytesOf,
  cutPieces,
  layoutOf,
  piecesIn,
  piecesOf,
  shortenDelta,
  tensorOf,
  WeightedMean,
  type NamedTensors,
  type NumericArray,
  type Piece,
} from "@stampede/core";
import { describe, expect } from "vitest";

const arrays = [Float32Array, Float64Array, Int8Array, Uint8Array, Int16Array, Uint16Array, Int32Array] as const;

/** Tensors of all kinds, some of them without elements, and as many of the same kinds as there are seeds. */
const models = fc
  .array(
    fc.record({
      kind: fc.constantFrom(...arrays),
      shape: fc.array(fc.nat({ max: 5 }), { maxLength: 3 }),
      name: fc.oneof(fc.string({ maxLength: 5 }), fc.nat({ max: 20 }).map(String)),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((tensors) => [...new Map(tensors.map((tensor) => [tensor.name, tensor])).values()])
  .filter((tensors) => tensors.every(({ name }) => name !== "__metadata__"));

type Model = typeof models extends fc.Arbitrary<infer T> ? T : never;

function tensorsOf(model: Model, seed: number): NamedTensors {
  return new Map(
    model.map(({ kind, shape, name }, at) => {
      const count = shape.reduce((product, extent) => product * extent, 1);
      const data: NumericArray = new kind(count);
      for (let i = 0; i < count; i += 1) data[i] = (((i + 3 * at + 7 * seed) * 7_919) % 251) / 3 - 40;
      return [name, tensorOf(data, shape)];
    }),
  );
}

/** As slices are stored: the bytes of all tensors, one behind the other. */
function bytesBehindEachOther(tensors: NamedTensors): Uint8Array {
  return Buffer.concat(
    [...tensors.values()].map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  );
}

function putTogether(
  model: NamedTensors,
  parts: readonly { readonly pieces: readonly Piece[]; readonly tensors: NamedTensors }[],
): NamedTensors {
  const whole = new Map([...model].map(([name, { data, shape }]) => [name, tensorOf(data.slice().fill(99), shape)]));
  for (const { pieces, tensors } of parts) {
    for (const { name, from } of pieces) whole.get(name)?.data.set(tensors.get(name)?.data ?? [], from);
  }
  return whole;
}

const slicings = fc.integer({ min: 1, max: 12 });
const all = (slices: number): readonly number[] => Array.from({ length: slices }, (_, slice) => slice);

describe("slices", () => {
  test.prop([models, slicings])("are runs of bytes that have every element once, in order", (model, slices) => {
    const tensors = tensorsOf(model, 1);
    const layout = layoutOf(tensors);
    const pieces = all(slices).flatMap((slice) => piecesOf(layout, slices, slice));
    let at = 0;
    for (const { begin, end } of pieces) {
      expect(begin).toBe(at);
      at = end;
    }
    expect(at).toBe(bytesOf(layout));
    expect(new Set(pieces.map(({ name }) => name))).toEqual(new Set(tensors.keys()));
    const order = [...new Set(pieces.map(({ name }) => name))];
    expect(order).toEqual([...tensors.keys()]);
  });

  test.prop([models, slicings, fc.nat({ max: 40 })])(
    "are the same cut out of tensors or out of their bytes, wherever these lie",
    (model, slices, offset) => {
      const tensors = tensorsOf(model, 2);
      const bytes = bytesBehindEachOther(tensors);
      for (const slice of all(slices)) {
        const pieces = piecesOf(layoutOf(tensors), slices, slice);
        const begin = Math.max(0, (pieces[0]?.begin ?? 0) - offset);
        // At another place in memory, and with more around it.
        const read = new Uint8Array(Buffer.concat([new Uint8Array(offset % 9), bytes.subarray(begin)])).subarray(
          offset % 9,
        );
        expect([...piecesIn(read, begin, pieces)]).toEqual([...cutPieces(tensors, pieces)]);
      }
    },
  );

  test.prop([
    models,
    slicings,
    fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 5 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
  ])("that are averaged each for itself have the bits of what is averaged whole", (model, slices, weights, factor) => {
    const before = tensorsOf(model, 0);
    const deltas = weights.map((weight, index) => ({ weight, tensors: tensorsOf(model, index + 1) }));
    const mean = new WeightedMean(before);
    for (const { weight, tensors } of deltas) mean.add(shortenDelta(before, tensors, factor), weight, "whole");
    const parts = all(slices).map((slice) => {
      const pieces = piecesOf(layoutOf(before), slices, slice);
      const own = cutPieces(before, pieces);
      const part = new WeightedMean(own);
      for (const { weight, tensors } of deltas) {
        part.add(shortenDelta(own, cutPieces(tensors, pieces), factor), weight, "part");
      }
      return { pieces, tensors: part.result() };
    });
    expect([...putTogether(before, parts)]).toEqual([...mean.result()]);
  });

  test.prop([models, slicings, fc.integer({ min: 1, max: 4 })])(
    "of several parts are the pieces of those parts, one behind the other",
    (model, slices, count) => {
      const layout = layoutOf(tensorsOf(model, 3));
      const parts = slices * count;
      for (const slice of all(slices)) {
        const whole = piecesOf(layout, parts, slice * count, count);
        const single = all(count).flatMap((index) => piecesOf(layout, parts, slice * count + index));
        expect(bytesIn(whole)).toBe(bytesIn(single));
        expect(new Set(whole.map(({ name }) => name))).toEqual(new Set(single.map(({ name }) => name)));
        expect(whole[0]?.begin).toBe(single[0]?.begin);
      }
    },
  );
});

function bytesIn(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { begin, end }) => sum + end - begin, 0);
}

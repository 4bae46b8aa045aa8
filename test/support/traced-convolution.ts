import { fc } from "@fast-check/vitest";
import type * as Tf from "@tensorflow/tfjs-core";
import { toPredict, type KernelCases } from "./traced-cases.js";
import { quarters, tensors } from "./traced-inputs.js";
import { tf, type Given, type Sample } from "./traced.js";

type Padding = "valid" | "same" | number | [[number, number], [number, number], [number, number], [number, number]];
type Pair = [number, number];

/** A two-dimensional convolution that has at least one window. */
interface Geometry {
  readonly x: [number, number, number, number];
  readonly filter: [number, number, number, number];
  readonly strides: Pair;
  readonly dilations: Pair;
  readonly pad: Padding;
}

const upTo = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });
const pair = (max: number): fc.Arbitrary<Pair> => fc.tuple(upTo(max), upTo(max));
const around = fc.tuple(fc.nat(3), fc.nat(3));
const pads: fc.Arbitrary<Padding> = fc.oneof(
  fc.constantFrom("valid", "same"),
  fc.nat(3),
  fc.tuple(around, around).map(([rows, columns]): Padding => [[0, 0], rows, columns, [0, 0]]),
);

/** Strides or dilations: tfjs has no convolution with both. */
function geometries(multiplier: fc.Arbitrary<number>, dilated: boolean): fc.Arbitrary<Geometry> {
  return fc
    .record({
      x: fc.tuple(upTo(3), upTo(8), upTo(8), upTo(3)),
      size: pair(4),
      last: multiplier,
      steps: pair(3),
      pad: pads,
    })
    .map(({ x, size, last, steps, pad }): Geometry => ({
      x,
      filter: [...size, x[3], last],
      strides: dilated ? [1, 1] : steps,
      dilations: dilated ? steps : [1, 1],
      pad,
    }))
    .filter(({ x, filter, strides, dilations, pad }) => {
      const { outHeight, outWidth } = tf.backend_util.computeConv2DInfo(x, filter, strides, dilations, pad);
      return outHeight > 0 && outWidth > 0;
    });
}

type Convolve = (x: Tf.Tensor4D, filter: Tf.Tensor4D, geometry: Geometry) => Tf.Tensor;

const samplesOf = (all: fc.Arbitrary<Geometry>, run: Convolve, gradient = false): fc.Arbitrary<Sample> =>
  all
    .chain((geometry) => fc.tuple(fc.constant(geometry), tensors(geometry.x), tensors(geometry.filter)))
    .map(([geometry, x, filter]): Sample => {
      return {
        what: geometry,
        inputs: [x, filter],
        run: (t, f) => run(t as Tf.Tensor4D, f as Tf.Tensor4D, geometry),
        gradient,
      };
    });

const strided = geometries(upTo(3), false);
const dilated = geometries(upTo(3), true);

const conv2d: Convolve = (x, filter, { strides, pad, dilations }) =>
  tf.conv2d(x, filter, strides, pad, "NHWC", dilations);
const depthwise: Convolve = (x, filter, { strides, pad, dilations }) =>
  tf.depthwiseConv2d(x, filter, strides, pad, "NHWC", dilations);

/** tfjs pads numerically as if windows were square, by the data format it takes for given: not both at once. */
const channelsFirst: Convolve = (x, filter, { strides, pad }) => {
  const explicit: Padding = typeof pad === "object" ? [pad[0], pad[3], pad[1], pad[2]] : pad;
  return tf.conv2d(tf.transpose(x, [0, 3, 1, 2]), filter, strides, explicit, "NCHW");
};

const transposed = strided
  .filter(({ pad }) => typeof pad === "string")
  .chain((geometry) => {
    const { x, filter, strides, pad } = geometry;
    const { outShape } = tf.backend_util.computeConv2DInfo(x, filter, strides, 1, pad);
    return fc.tuple(fc.constant(geometry), tensors(outShape), tensors(filter));
  })
  .map(([{ x, strides, pad }, y, filter]): Sample => {
    const run = (dy: Tf.Tensor4D, f: Tf.Tensor4D): Tf.Tensor => tf.conv2dTranspose(dy, f, x, strides, pad);
    return {
      what: { x, strides, pad },
      inputs: [y, filter],
      run: (dy, f) => run(dy as Tf.Tensor4D, f as Tf.Tensor4D),
      gradient: true,
    };
  });

const rows = fc
  .tuple(
    fc.tuple(upTo(3), fc.integer({ min: 3, max: 9 }), upTo(3)),
    upTo(3),
    upTo(3),
    upTo(3),
    fc.constantFrom<"same" | "valid">("same", "valid"),
  )
  .chain(([x, size, filters, stride, pad]) =>
    fc.tuple(tensors(x), tensors([size, x[2], filters]), fc.constant({ stride, pad })),
  )
  .map(([x, filter, { stride, pad }]): Sample => {
    const run = (t: Tf.Tensor3D, f: Tf.Tensor3D): Tf.Tensor => tf.conv1d(t, f, stride, pad);
    return {
      what: { stride, pad },
      inputs: [x, filter],
      run: (t, f) => run(t as Tf.Tensor3D, f as Tf.Tensor3D),
      gradient: true,
    };
  });

type Fuse = typeof tf.fused.conv2d | typeof tf.fused.depthwiseConv2d;

function fused(
  all: fc.Arbitrary<Geometry>,
  channels: (filter: Geometry["filter"]) => number,
  fuse: Fuse,
): fc.Arbitrary<Sample> {
  return fc
    .tuple(all, fc.constantFrom("linear", "relu", "relu6", "elu", "sigmoid", "leakyrelu", "prelu"))
    .chain(([geometry, activation]) => {
      const vector = tensors([channels(geometry.filter)]);
      return fc.tuple(
        fc.constant({ ...geometry, activation }),
        fc.tuple(tensors(geometry.x), tensors(geometry.filter), vector, vector),
      );
    })
    .map(([what, inputs]): Sample => {
      const { strides, pad, activation } = what;
      const run = (x: Tf.Tensor4D, filter: Tf.Tensor4D, bias: Tf.Tensor, slope: Tf.Tensor): Tf.Tensor =>
        fuse({
          x,
          filter,
          strides,
          pad: pad as "same",
          bias,
          activation,
          preluActivationWeights: slope,
          leakyreluAlpha: 0.25,
        });
      return {
        what,
        inputs,
        run: (...tensors_) => run(...(tensors_ as [Tf.Tensor4D, Tf.Tensor4D, Tf.Tensor, Tf.Tensor])),
        tolerance: { ulps: 4, of: "element", absolute: 1.2e-7 },
      };
    });
}

const cubes = fc
  .record({
    x: fc.tuple(upTo(2), upTo(5), upTo(5), upTo(5), upTo(2)),
    size: fc.tuple(upTo(3), upTo(3), upTo(3)),
    filters: upTo(2),
    strides: fc.tuple(upTo(3), upTo(3), upTo(3)),
    pad: fc.constantFrom<"same" | "valid">("same", "valid"),
  })
  .filter(({ x, size, pad }) => pad === "same" || size.every((extent, axis) => extent <= (x[axis + 1] ?? 0)))
  .chain(({ x, size, filters, strides, pad }) => {
    const filter: Given["shape"] = [...size, x[4], filters];
    return fc.tuple(tensors(x), tensors(filter), fc.constant({ strides, pad }));
  })
  .map(([x, filter, { strides, pad }]): Sample => {
    const run = (t: Tf.Tensor5D, f: Tf.Tensor5D): Tf.Tensor => tf.conv3d(t, f, strides, pad);
    return {
      what: { strides, pad },
      inputs: [x, filter],
      run: (t, f) => run(t as Tf.Tensor5D, f as Tf.Tensor5D),
      gradient: true,
    };
  });

const manyTaps = fc.tuple(tensors([2, 11, 10, 1], quarters), tensors([9, 8, 1, 2], quarters)).map((inputs): Sample => ({
  inputs,
  run: (x, f) => tf.conv2d(x as Tf.Tensor4D, f as Tf.Tensor4D, 1, "same"),
  gradient: true,
}));

/** A batch of none. */
const nothing = (run: Convolve): fc.Arbitrary<Sample> =>
  samplesOf(
    strided.map((geometry): Geometry => ({ ...geometry, x: [0, geometry.x[1], geometry.x[2], geometry.x[3]] })),
    run,
    true,
  );

export const convolutionCases: KernelCases = {
  Conv2D: [
    { name: "with dilations", samples: samplesOf(dilated, conv2d), runs: 80 },
    { name: "channels first, with gradients", samples: samplesOf(strided, channelsFirst, true), runs: 60 },
    { name: "one dimension, with gradients", samples: rows, runs: 40 },
    { name: "one channel and many taps", samples: manyTaps, runs: 3 },
    { name: "no images, with gradients", samples: nothing(conv2d), runs: 5 },
    { name: "to predict: strides and padding", samples: toPredict(samplesOf(strided, conv2d)), runs: 150 },
    { name: "to predict: dilations", samples: toPredict(samplesOf(dilated, conv2d)) },
    { name: "to predict: channels first", samples: toPredict(samplesOf(strided, channelsFirst)) },
  ],
  Conv2DBackpropFilter: [
    { name: "strides and padding, with all gradients", samples: samplesOf(strided, conv2d, true), runs: 250 },
  ],
  Conv2DBackpropInput: [{ name: "as a transposed convolution, with gradients", samples: transposed, runs: 60 }],
  FusedConv2D: [
    {
      name: "to predict: bias and activation",
      samples: toPredict(fused(strided, ([, , , filters]) => filters, tf.fused.conv2d)),
    },

    { name: "bias and activation", samples: fused(strided, ([, , , filters]) => filters, tf.fused.conv2d) },
  ],
  DepthwiseConv2dNative: [
    { name: "no images, with gradients", samples: nothing(depthwise), runs: 5 },
    { name: "with dilations", samples: samplesOf(dilated, depthwise), runs: 80 },
  ],
  DepthwiseConv2dNativeBackpropFilter: [
    { name: "strides and padding, with all gradients", samples: samplesOf(strided, depthwise, true), runs: 150 },
  ],
  DepthwiseConv2dNativeBackpropInput: [
    { name: "strides and padding, with all gradients", samples: samplesOf(strided, depthwise, true), runs: 20 },
  ],
  FusedDepthwiseConv2D: [
    {
      name: "bias and activation",
      samples: fused(strided, ([, , channels, multiplier]) => channels * multiplier, tf.fused.depthwiseConv2d),
    },
  ],
  Conv3D: [{ name: "strides and padding, with all gradients", samples: cubes, runs: 50 }],
  Conv3DBackpropFilterV2: [{ name: "with the other gradient", samples: cubes, runs: 10 }],
  Conv3DBackpropInputV2: [{ name: "with the other gradient", samples: cubes, runs: 10 }],
};

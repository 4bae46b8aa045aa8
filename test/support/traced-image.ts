import { fc } from "@fast-check/vitest";
import type * as Tf from "@tensorflow/tfjs-core";
import type { KernelCases } from "./traced-cases.js";
import { anyNumber, quarters, tensors, usual } from "./traced-inputs.js";
import { tensorOf, tf, type Given, type Sample, type Tolerance } from "./traced.js";

type Resize = typeof tf.image.resizeBilinear;

interface Options {
  readonly size: [number, number];
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

const upTo = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });
const images = fc.tuple(upTo(3), upTo(5), upTo(5), upTo(2));
const options: fc.Arbitrary<Options> = fc
  .tuple(fc.tuple(upTo(9), upTo(9)), fc.constantFrom([false, false], [true, false], [false, true]))
  .map(([size, [alignCorners = false, halfPixelCenters = false]]) => ({ size, alignCorners, halfPixelCenters }));

function resized(resize: Resize, element: fc.Arbitrary<number>, tolerance?: Tolerance): fc.Arbitrary<Sample> {
  return images
    .chain((shape) => fc.tuple(tensors(shape, element), options))
    .map(([x, what]): Sample => {
      const run = (image: Tf.Tensor4D): Tf.Tensor => resize(image, what.size, what.alignCorners, what.halfPixelCenters);
      return { what, inputs: [x], run: (t) => run(t as Tf.Tensor4D), ...(tolerance && { tolerance }) };
    });
}

/**
 * The gradient as it must be: resizing is linear, so that an image's pixel has for gradient the product of dy with what becomes of an
 * image that is 1 there and 0 elsewhere. (tfjs' own kernels mix up images of a batch, height and width, and leave out half pixels.)
 */
function gradientOf(
  resize: Resize,
  shape: readonly number[],
  dy: Given,
  { size, alignCorners, halfPixelCenters }: Options,
): Given {
  const count = shape.reduce((product, extent) => product * extent, 1);
  const values = tf.tidy(() => {
    const given = tensorOf(dy);
    return Array.from({ length: count }, (_, at) => {
      const unit = tf.tensor(
        Array.from({ length: count }, (__, index) => (index === at ? 1 : 0)),
        [...shape],
      );
      const image = resize(unit as Tf.Tensor4D, size, alignCorners, halfPixelCenters);
      return tf.sum(tf.mul(image, given)).dataSync()[0] ?? Number.NaN;
    });
  });
  return { dtype: "float32", shape, values };
}

function resizeGradients(kernel: string, resize: Resize, factors: fc.Arbitrary<Options>): fc.Arbitrary<Sample> {
  return fc
    .tuple(fc.tuple(upTo(2), upTo(4), upTo(4), upTo(2)), factors)
    .chain(([shape, what]) => {
      const [batch, , , channels] = shape;
      return fc.tuple(fc.constant({ shape, what }), tensors([batch, ...what.size, channels], quarters));
    })
    .map(([{ shape, what }, dy]): Sample => {
      const x: Given = {
        dtype: "float32",
        shape,
        values: Array.from({ length: shape.reduce((a, b) => a * b) }, () => 0),
      };
      return {
        what,
        inputs: [x, dy],
        run: (image, gradient) => tf.engine().runKernel(kernel, { images: image, dy: gradient }, { ...what }),
        expected: [gradientOf(resize, shape, dy, what)],
        tolerance: { ulps: 8, of: "tensor" },
      };
    });
}

/** Whole factors, for which the gradient is a sum of neighbours. */
const repeated = (shape: readonly number[]): fc.Arbitrary<Options> =>
  fc.tuple(upTo(3), upTo(3)).map(([rows, columns]) => ({
    size: [(shape[1] ?? 1) * rows, (shape[2] ?? 1) * columns],
    alignCorners: false,
    halfPixelCenters: false,
  }));

/** As upsampling layers make it; tfjs' own gradient is right for one square image. */
const upsampled = (resize: Resize): fc.Arbitrary<Sample> =>
  fc
    .tuple(upTo(5), upTo(2))
    .map(([side, channels]): [number, number, number, number] => [1, side, side, channels])
    .chain((shape) => fc.tuple(tensors(shape), repeated(shape)))
    .map(([x, what]): Sample => {
      const run = (image: Tf.Tensor4D): Tf.Tensor => resize(image, what.size);
      return {
        what,
        inputs: [x],
        run: (t) => run(t as Tf.Tensor4D),
        gradient: true,
        tolerance: { ulps: 8, of: "tensor" },
      };
    });

const mirrors = fc
  .tuple(
    fc.array(fc.integer({ min: 2, max: 4 }), { minLength: 1, maxLength: 3 }),
    fc.constantFrom<"reflect" | "symmetric">("reflect", "symmetric"),
  )
  .chain(([shape, mode]) => {
    const pads = shape.map((extent) => fc.nat(mode === "reflect" ? extent - 1 : extent));
    return fc.tuple(tensors(shape), fc.tuple(...pads.map((pad) => fc.tuple(pad, pad))), fc.constant(mode));
  })
  .map(([x, paddings, mode]): Sample => {
    return { what: { paddings, mode }, inputs: [x], run: (t) => tf.mirrorPad(t, paddings, mode), gradient: true };
  });

const blocked = fc
  .tuple(
    upTo(2),
    fc.array(fc.tuple(upTo(3), upTo(3), fc.nat(1)), { minLength: 1, maxLength: 2 }),
    fc.array(upTo(2), { maxLength: 1 }),
  )
  .chain(([batch, dimensions, rest]) => {
    const blocks = dimensions.map(([block]) => block);
    // Together with its padding every dimension is a multiple of its block.
    const paddings = dimensions.map(([block, , before]) => [before % block, (2 * block - (before % block)) % block]);
    const shape = [
      batch,
      ...dimensions.map(
        ([block, count], axis) => block * (count + 1) - (paddings[axis]?.[0] ?? 0) - (paddings[axis]?.[1] ?? 0),
      ),
      ...rest,
    ];
    return fc.tuple(tensors(shape), fc.constant({ blocks, paddings }));
  });

const toBatch = blocked.map(([x, { blocks, paddings }]): Sample => {
  return {
    what: { blocks, paddings },
    inputs: [x],
    run: (t) => tf.spaceToBatchND(t, blocks, paddings),
    gradient: true,
  };
});
const toSpace = blocked.map(([x, { blocks, paddings }]): Sample => {
  const there = (t: Tf.Tensor): Tf.Tensor => tf.spaceToBatchND(t, blocks, paddings);
  return {
    what: { blocks, paddings },
    inputs: [x],
    run: (t) => tf.batchToSpaceND(there(t), blocks, paddings),
    gradient: true,
  };
});

const depths = fc
  .tuple(upTo(2), upTo(3), upTo(3), fc.integer({ min: 2, max: 3 }), upTo(2))
  .chain(([batch, height, width, block, channels]) =>
    fc.tuple(tensors([batch, height, width, block * block * channels]), fc.constant(block)),
  )
  .map(([x, block]): Sample => ({ what: block, inputs: [x], run: (t) => tf.depthToSpace(t as Tf.Tensor4D, block) }));

const interpolated: Tolerance = { ulps: 4, of: "tensor" };

export const imageCases: KernelCases = {
  ResizeNearestNeighbor: [
    { name: "any size and alignment", samples: resized(tf.image.resizeNearestNeighbor, anyNumber), runs: 100 },
  ],
  ResizeNearestNeighborGrad: [
    { name: "as upsampling makes it", samples: upsampled(tf.image.resizeNearestNeighbor) },
    {
      name: "any size and alignment",
      samples: resizeGradients("ResizeNearestNeighborGrad", tf.image.resizeNearestNeighbor, options),
      runs: 80,
    },
    {
      name: "whole factors",
      samples: fc.constantFrom([1, 2, 3], [2, 3, 2]).chain(([, height = 1, width = 1]) =>
        upTo(2).chain((factor) =>
          resizeGradients(
            "ResizeNearestNeighborGrad",
            tf.image.resizeNearestNeighbor,
            fc.constant({
              size: [height * factor * 2, width * factor * 2],
              alignCorners: false,
              halfPixelCenters: false,
            }),
          ),
        ),
      ),
      runs: 20,
    },
  ],
  ResizeBilinear: [
    { name: "any size and alignment", samples: resized(tf.image.resizeBilinear, usual, interpolated), runs: 100 },
  ],
  ResizeBilinearGrad: [
    { name: "as upsampling makes it", samples: upsampled(tf.image.resizeBilinear) },
    {
      name: "any size and alignment",
      samples: resizeGradients("ResizeBilinearGrad", tf.image.resizeBilinear, options),
      runs: 80,
    },
  ],
  MirrorPad: [{ name: "both ways, with gradients", samples: mirrors }],
  SpaceToBatchND: [{ name: "blocks and padding, with gradients", samples: toBatch }],
  BatchToSpaceND: [{ name: "there and back, with gradients", samples: toSpace }],
  DepthToSpace: [{ name: "blocks", samples: depths }],
  FlipLeftRight: [
    {
      name: "images",
      samples: images
        .chain((shape) => tensors(shape))
        .map((x): Sample => ({ inputs: [x], run: (t) => tf.image.flipLeftRight(t as Tf.Tensor4D) })),
      runs: 20,
    },
  ],
};

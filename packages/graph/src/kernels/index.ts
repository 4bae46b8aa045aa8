import type { KernelTable } from "../trace/kernel.js";
import { activationKernels } from "./activation.js";
import { arithmeticKernels } from "./arithmetic.js";
import { convolution2dKernels } from "./convolution-2d.js";
import { convolution3dKernels } from "./convolution-3d.js";
import { creationKernels } from "./creation.js";
import { depthwiseKernels } from "./depthwise.js";
import { gatherKernels } from "./gather.js";
import { matrixKernels } from "./matrix.js";
import { normalizationKernels } from "./normalization.js";
import { poolingKernels } from "./pooling.js";
import { rearrangingKernels } from "./rearranging.js";
import { reductionKernels } from "./reduction.js";
import { resizeKernels } from "./resize.js";
import { shapeKernels } from "./shape.js";
import { unaryKernels } from "./unary.js";

/** How each tfjs kernel becomes graph nodes, by tfjs' name of the kernel. */
export const kernels: KernelTable = {
  ...activationKernels,
  ...arithmeticKernels,
  ...convolution2dKernels,
  ...convolution3dKernels,
  ...creationKernels,
  ...depthwiseKernels,
  ...gatherKernels,
  ...matrixKernels,
  ...normalizationKernels,
  ...poolingKernels,
  ...rearrangingKernels,
  ...reductionKernels,
  ...resizeKernels,
  ...shapeKernels,
  ...unaryKernels,
};

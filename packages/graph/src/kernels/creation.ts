import type * as Tf from "@tensorflow/tfjs-core";
import { arrayFor } from "../ir/builder.js";
import { cast, where } from "../ir/ops/elementwise.js";
import { reshape } from "../ir/ops/shape.js";
import type { Value } from "../ir/types.js";
import { loadCore } from "../tfjs.js";
import { graphDType } from "../trace/backend.js";
import { kernel, type KernelTable } from "../trace/kernel.js";

/** As tfjs' own kernel: it turns round a step of 1 that leads away from the end, and adds up with the precision of the result. */
function rangeOf({ start, stop, step, dtype }: Tf.RangeAttrs): Float64Array {
  const leadsAway = (start < stop && step < 0) || (stop < start && step > 1);
  if (start === stop || leadsAway) return new Float64Array(0);
  const length = Math.abs(Math.ceil((stop - start) / step));
  const isTurned = stop < start && step === 1;
  return stepwise(start, isTurned ? -1 : step, length, dtype === "int32" ? Math.trunc : Math.fround);
}

function stepwise(start: number, step: number, length: number, round: (value: number) => number): Float64Array {
  const values = new Float64Array(length);
  let value = round(start);
  for (let index = 0; index < length; index += 1) {
    values[index] = value;
    value = round(value + step);
  }
  return values;
}

/** tfjs has these dtypes only. */
function dtypeOf({ dtype }: Value): "float32" | "int32" | "bool" {
  return dtype === "int32" || dtype === "bool" ? dtype : "float32";
}

/** Tensors out of nothing, and choice between tensors. */
export const creationKernels: KernelTable = {
  ZerosLike: kernel(({ g, input }) => g.splat(0, input("x").dtype, input("x").shape)),
  OnesLike: kernel(({ g, input }) => g.splat(1, input("x").dtype, input("x").shape)),
  Fill: kernel<Tf.FillAttrs>(({ g, attrs }) => {
    if (typeof attrs.value !== "number") throw new Error("it fills with text");
    return g.splat(attrs.value, graphDType(attrs.dtype ?? "float32"), [...attrs.shape]);
  }),
  Range: kernel<Tf.RangeAttrs>(({ g, attrs }) => {
    const type = graphDType(attrs.dtype);
    const values = arrayFor(type, rangeOf(attrs));
    return g.constant(values, type, [values.length]);
  }),
  LinSpace: kernel<Tf.LinSpaceAttrs>(({ g, attrs: { start, stop, num } }) =>
    g.constant(arrayFor("float32", stepwise(start, (stop - start) / (num - 1), num, Math.fround)), "float32", [num]),
  ),
  Select: kernel(({ g, input }) => {
    const type = graphDType(loadCore().upcastType(dtypeOf(input("t")), dtypeOf(input("e"))));
    const [yes, no] = [cast(g, input("t"), type), cast(g, input("e"), type)];
    const condition = input("condition");
    // A condition of one dimension chooses whole rows.
    const isRows = condition.shape.length === 1 && yes.shape.length > 1;
    const shape = isRows ? [condition.shape[0] ?? 0, ...yes.shape.slice(1).map(() => 1)] : condition.shape;
    return where(g, cast(g, reshape(g, condition, shape), "bool"), yes, no);
  }),
};

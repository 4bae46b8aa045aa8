import type * as Tf from "@tensorflow/tfjs-core";
import type { RNN } from "@tensorflow/tfjs-layers";
import { loadCore } from "../tfjs.js";
import { templateOf } from "./templates.js";

export type Cell = RNN["cell"];

/** How a layer calls its cell. */
export interface CellCall {
  readonly cell: Cell;
  /** For messages. */
  readonly layer: string;
  readonly training: unknown;
}

export function isTensor(value: unknown): value is Tf.Tensor {
  return typeof value === "object" && value !== null && "dataId" in value;
}

/** Extents of the states of a cell whose states are rows of numbers. */
export function stateSizes({ stateSize }: Cell): readonly number[] {
  return [stateSize].flat();
}

/** Cells draw their dropout masks when they are called for the first time and keep them: these are all of them, with stacked ones. */
function cellsIn(cell: Cell): readonly Cell[] {
  const stacked: unknown = Reflect.get(cell, "cells");
  return Array.isArray(stacked) ? [cell, ...stacked.filter(isCell).flatMap(cellsIn)] : [cell];
}

function isCell(value: unknown): value is Cell {
  return typeof value === "object" && value !== null && "stateSize" in value;
}

const masks = ["dropoutMask", "recurrentDropoutMask"] as const;

/** Of tfjs' own cells: they draw no masks. */
export function hasNoDropout(cell: Cell): boolean {
  return Reflect.get(cell, "dropout") === 0 && Reflect.get(cell, "recurrentDropout") === 0;
}

/** What the cells of a layer hold as their dropout masks, one entry for each property that there is. */
export type CellMasks = readonly (readonly [cell: Cell, name: string, mask: unknown])[];

export function masksOf(cell: Cell): CellMasks {
  return cellsIn(cell).flatMap((each) => masks.map((name) => [each, name, Reflect.get(each, name)] as const));
}

/**
 * Runs `work` with other masks; cells then have those back that they had.
 * @param wanted undefined lets cells draw new ones. (tfjs does so for layers of a single cell; stacked ones keep theirs for ever.)
 */
export function withMasks<T>(cell: Cell, wanted: CellMasks | undefined, work: () => T): T {
  const kept = masksOf(cell);
  for (const [each, name] of kept) setMask(each, name, undefined);
  for (const [each, name, mask] of wanted ?? []) setMask(each, name, mask);
  try {
    return work();
  } finally {
    for (const [each, name, mask] of kept) setMask(each, name, mask);
  }
}

/** A cell without such a property does not get one. */
function setMask(cell: Cell, name: string, mask: unknown): void {
  if ((mask ?? Reflect.get(cell, name) ?? null) !== null) Reflect.set(cell, name, mask ?? null);
}

/**
 * One step as tfjs runs it.
 * @param mask [rows, 1, ...] of ones and zeros: rows that the step does not count for stay as they are
 * @returns the output and the states
 */
export function step(
  call: CellCall,
  x: Tf.Tensor,
  states: readonly Tf.Tensor[],
  mask: Tf.Tensor | undefined,
): readonly Tf.Tensor[] {
  const tf = loadCore();
  const { cell, training } = call;
  const results = templateOf(call)?.(x, states) ?? [cell.call([x, ...states], { training })].flat();
  if (mask === undefined) return results;
  const others = tf.sub(1, mask);
  const [output, ...next] = results;
  const chosen = (to: Tf.Tensor | undefined, from: Tf.Tensor | undefined): readonly Tf.Tensor[] =>
    to === undefined || from === undefined ? [] : [tf.add(tf.mul(to, mask), tf.mul(from, others))];
  return [...chosen(output, states[0]), ...next.flatMap((state, index) => chosen(state, states[index]))];
}

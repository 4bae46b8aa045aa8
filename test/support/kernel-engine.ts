import type { Block, Engine } from "@stampede/core";
import { engineThat } from "./engine-that.js";

/**
 * The tiny engine on processors of which the test decides what kernels they have.
 * @param kernels asked for each piece of work; undefined for the kernels of every processor
 */
export function kernelEngine(kernels: () => Block | undefined): Engine {
  return engineThat((session) => async (request) => {
    const block = kernels();
    return { ...(await session.train(request)), ...(block !== undefined && { block }) };
  });
}

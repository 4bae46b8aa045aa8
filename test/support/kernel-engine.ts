import type { Block, Engine } from "@stampede/core";
import { tinyEngine } from "@stampede/testing";

/**
 * The tiny engine on processors of which the test decides what kernels they have.
 * @param kernels asked for each piece of work; undefined for the kernels of every processor
 */
export function kernelEngine(kernels: () => Block | undefined): Engine {
  return {
    name: "tfjs-cpu",
    open: async (model) => {
      const session = await tinyEngine.open(model);
      return {
        load: (weights, optimizer) => session.load(weights, optimizer),
        train: async (request) => {
          const block = kernels();
          return { ...(await session.train(request)), ...(block !== undefined && { block }) };
        },
        evaluate: (range) => session.evaluate(range),
        predict: (range) => session.predict(range),
        save: () => session.save(),
        close: () => session.close(),
      };
    },
  };
}

import type { Engine, EngineSession } from "@stampede/core";
import { tinyEngine } from "@stampede/testing";

/** The tiny engine, whose sessions train as they are told. */
export function engineThat(train: (session: EngineSession) => EngineSession["train"]): Engine {
  return {
    name: "tfjs-cpu",
    open: async (model) => {
      const session = await tinyEngine.open(model);
      return {
        load: (weights, optimizer) => session.load(weights, optimizer),
        train: train(session),
        evaluate: (range) => session.evaluate(range),
        predict: (range) => session.predict(range),
        save: () => session.save(),
        close: () => session.close(),
      };
    },
  };
}

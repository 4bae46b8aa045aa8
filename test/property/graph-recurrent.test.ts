import { createEngine } from "@stampede/runtime";
import * as tf from "@tensorflow/tfjs-core";
import { layers } from "@tensorflow/tfjs-layers";
import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import { sequentialCase, type Case, type Layer, type Layers } from "../cases/case.js";
import { floats, masked } from "../cases/data.js";
import { leakyCell } from "../cases/leaky-cell.js";
import { runCase } from "../cases/run-case.js";

beforeAll(() => createEngine("tfjs-cpu"));

/** `RECURRENT_NETS=200 npx vitest run --config test/vitest.config.ts test/property/graph-recurrent.test.ts` tries more of them. */
const nets = Number(process.env["RECURRENT_NETS"] ?? 8);
/** Whatever the movement is: weights of about 1 are rounded by so much in ten steps. */
const rounding = 5e-7;

const made = { simpleRNN: layers.simpleRNN, gru: layers.gru, lstm: layers.lstm };
const kinds = ["simpleRNN", "gru", "lstm", "leaky", "stacked"] as const;
/** Bounded ones: where states grow without end, rounding does too. */
const activation = fc.constantFrom("tanh", "sigmoid", "softsign", "hardSigmoid");

const layerSpec = fc.record({
  kind: fc.constantFrom(...kinds),
  units: fc.integer({ min: 1, max: 5 }),
  activation,
  recurrentActivation: activation,
  useBias: fc.boolean(),
  goBackwards: fc.boolean(),
  dropout: fc.constantFrom(0, 0, 0.3),
  recurrentDropout: fc.constantFrom(0, 0, 0.4),
  merge: fc.constantFrom(undefined, undefined, "concat", "sum", "mul", "ave"),
});
type LayerSpec = typeof layerSpec extends fc.Arbitrary<infer T> ? T : never;

const netSpec = fc.record({
  steps: fc.integer({ min: 1, max: 6 }),
  width: fc.integer({ min: 1, max: 4 }),
  batchSize: fc.integer({ min: 1, max: 6 }),
  isMasked: fc.boolean(),
  returnSequences: fc.boolean(),
  layers: fc.array(layerSpec, { minLength: 1, maxLength: 3 }),
});
type NetSpec = typeof netSpec extends fc.Arbitrary<infer T> ? T : never;

function recurrent({ kind, merge, ...options }: LayerSpec, returnSequences: boolean): Layer {
  const { units } = options;
  const all = { ...options, returnSequences };
  const single = (): Layer => {
    if (kind === "leaky") return layers.rnn({ cell: leakyCell(units), returnSequences, goBackwards: all.goBackwards });
    if (kind === "stacked") {
      return layers.rnn({ cell: [layers.lstmCell({ units }), layers.gruCell({ units: 2 })], returnSequences });
    }
    return made[kind](all);
  };
  // tfjs makes both directions from a configuration, which cells of one's own and stacked ones do not survive.
  if (merge === undefined || kind === "leaky" || kind === "stacked") return single();
  const layer = made[kind]({ ...all, goBackwards: false });
  return layers.bidirectional({ layer, mergeMode: merge });
}

function caseOf(spec: NetSpec): Case {
  const { width, batchSize, isMasked } = spec;
  // tfjs cannot take the gradient of a sequence of one step, of which its unstack makes no list.
  const needsGradient = spec.layers.length > 1 || spec.returnSequences;
  const steps = needsGradient ? Math.max(2, spec.steps) : spec.steps;
  const inputShape = [steps, width];
  const all = (): Layers => [
    isMasked ? layers.masking({ maskValue: 0, inputShape }) : layers.activation({ activation: "linear", inputShape }),
    ...spec.layers.map((each, index) => {
      const isLast = index === spec.layers.length - 1;
      return recurrent(each, !isLast || spec.returnSequences);
    }),
    ...(spec.returnSequences ? [layers.timeDistributed({ layer: layers.dense({ units: 2 }) }), layers.flatten()] : []),
    layers.dense({ units: 1 }),
  ];
  const x = isMasked ? masked(steps, width) : floats(inputShape);
  return sequentialCase(JSON.stringify(spec), all, [x, floats([1])], {
    loss: "meanSquaredError",
    // Longer steps let some of these nets run away, and rounding with them.
    optimizer: () => tf.train.sgd(0.01),
    batchSize,
  });
}

it(
  "trains recurrent nets of all kinds as tfjs does, and predicts with them",
  async () => {
    const property = fc.asyncProperty(netSpec, async (spec) => {
      const { agreements } = await runCase(caseOf(spec));
      const apart = agreements.filter(
        ({ difference, scale, bound }) => !(difference <= Math.max(rounding, bound * scale)),
      );
      expect(apart).toEqual([]);
    });
    await fc.assert(property, { numRuns: nets, seed: 20_261_129 });
  },
  60_000 + nets * 2000,
);

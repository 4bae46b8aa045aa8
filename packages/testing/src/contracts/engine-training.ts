import { hashTensors, permutation, type MetricStates, type TrainOutcome } from "@stampede/core";
import { expect, it } from "vitest";
import { classifierData, twoByTwoData } from "./engine-data.js";
import { adam, batchNormalization, classifier, dropout, sgd, training, twoByTwo, weightsFor } from "./engine-models.js";
import { bitsOf, expectNear, request, withSession, type Harness, type PlainFit } from "./engine-support.js";

const crossentropy = "categoricalCrossentropy";
const plainModel = classifier(training(sgd, crossentropy, ["accuracy"]));
const noisyModel = classifier(training(adam, crossentropy, ["accuracy"]), [dropout("drop", 0.4)]);
const normalizedModel = classifier(training(adam, crossentropy), [batchNormalization("norm")]);
const mixedModel = twoByTwo(
  training(
    adam,
    { class: "sparseCategoricalCrossentropy", amount: "meanSquaredError" },
    { class: ["accuracy"], amount: "mae" },
  ),
);

export function engineTrainingContract(harness: Harness): void {
  it.each([
    { what: "a plain classifier", model: plainModel, data: classifierData(21) },
    { what: "dropout", model: noisyModel, data: classifierData(21) },
    { what: "moving statistics", model: normalizedModel, data: classifierData(21) },
    { what: "two inputs of unequal widths and two outputs", model: mixedModel, data: twoByTwoData(21) },
  ])(
    "trains $what as tfjs' fit does, bit for bit or within the tolerance, with a short last batch",
    async ({ model, data }) => {
      const plain: PlainFit = {
        definition: model.definition,
        weights: weightsFor(model),
        data,
        batchSize: 8,
        randomKey: 11,
      };
      const reference = await harness().fit(plain);
      await withSession(harness, model, async (session) => {
        const outcome = await session.train(request(data, 8));
        const { weights } = await session.save();
        const { tolerance } = harness();
        expect([...weights.keys()]).toEqual([...reference.weights.keys()]);
        for (const [name, { shape, dtype, data: values }] of reference.weights) {
          expect(weights.get(name)).toMatchObject({ shape, dtype });
          expectNear(weights.get(name)?.data ?? [], values, tolerance);
        }
        for (const [batch, values] of reference.batches.entries()) {
          const samples = batch < 2 ? 8 : 5;
          const sums = values.map((value) => value * samples);
          expectNear(sumsOf(outcome)[batch] ?? [], sums, tolerance && tolerance * samples);
        }
      });
    },
  );

  it("reports every batch that it trained, the short last one too", async () => {
    await withSession(harness, plainModel, async (session) => {
      const before = await bitsOf(session);
      const outcome = await session.train(request(classifierData(5), 4));
      expect(outcome.examples).toBe(5);
      expect(outcome.batches.map(samplesOf)).toEqual([4, 1]);
      await session.load(weightsFor(plainModel));
      await session.train(request(classifierData(5), 4, { toBatch: 1 }));
      expect(await bitsOf(session)).not.toBe(before);
    });
  });

  it("names loss and metrics in full, after their output where there are several", async () => {
    const one = await withSession(harness, plainModel, (session) => session.train(request(classifierData(4), 4)));
    const two = await withSession(harness, mixedModel, (session) => session.train(request(twoByTwoData(4), 4)));
    expect(Object.keys(one.batches[0] ?? {})).toEqual(["loss", "accuracy"]);
    expect(Object.keys(two.batches[0] ?? {})).toEqual([
      "loss",
      "class_loss",
      "amount_loss",
      "class_accuracy",
      "amount_mae",
    ]);
  });

  it("follows the order of rows that it is given", async () => {
    const data = classifierData(12);
    const order = permutation(12, 3);
    const shuffled = await withSession(harness, plainModel, async (session) => {
      await session.train(request(data, 4, { order }));
      return bitsOf(session);
    });
    const straight = await withSession(harness, plainModel, async (session) => {
      await session.train(request(data, 4));
      return bitsOf(session);
    });
    expect(shuffled).not.toBe(straight);
  });

  it("computes the same bits however its batches are split into calls, whatever is asked in between", async () => {
    const data = classifierData(43);
    const whole = await withSession(harness, noisyModel, async (session) => {
      const { batches } = await session.train(request(data, 4));
      return { batches, bits: await bitsOf(session) };
    });
    await withSession(harness, noisyModel, async (session) => {
      const batches: MetricStates[] = [];
      for (const [fromBatch, toBatch] of [
        [0, 1],
        [1, 1],
        [1, 7],
        [7, 11],
      ] as const) {
        const outcome = await session.train(request(data, 4, { fromBatch, toBatch }));
        batches.push(...outcome.batches);
        await session.evaluate({ data, batchSize: 5, fromRow: 0, toRow: 9 });
        await session.predict({ data, batchSize: 5, fromRow: 0, toRow: 9 });
      }
      expect(batches).toEqual(whole.batches);
      expect(await bitsOf(session)).toBe(whole.bits);
    });
  });

  it("replays dropout from its key, and draws anew with another one", async () => {
    const bits = async (randomKey: number): Promise<string> =>
      withSession(harness, noisyModel, async (session) => {
        await session.train(request(classifierData(16), 8, { randomKey }));
        return bitsOf(session);
      });
    expect(await bits(1)).toBe(await bits(1));
    expect(await bits(1)).not.toBe(await bits(2));
  });

  it("trains nothing where there are no batches", async () => {
    await withSession(harness, plainModel, async (session, weights) => {
      expect(await session.train(request(classifierData(0), 4))).toEqual({ examples: 0, batches: [] });
      expect(await session.train(request(classifierData(8), 4, { fromBatch: 1, toBatch: 1 }))).toEqual({
        examples: 0,
        batches: [],
      });
      expect(hashTensors((await session.save()).weights)).toBe(hashTensors(weights));
    });
  });

  it("keeps sessions of one thread apart", async () => {
    const data = classifierData(16);
    const alone = await withSession(harness, noisyModel, async (session) => {
      await session.train(request(data, 4));
      return bitsOf(session);
    });
    await withSession(harness, noisyModel, async (first) => {
      await withSession(harness, plainModel, async (second) => {
        for (let batch = 0; batch < 4; batch += 1) {
          await first.train(request(data, 4, { fromBatch: batch, toBatch: batch + 1 }));
          await second.train(request(data, 4, { fromBatch: batch, toBatch: batch + 1 }));
        }
      });
      expect(await bitsOf(first)).toBe(alone);
    });
  });
}

function sumsOf({ batches }: TrainOutcome): number[][] {
  return batches.map((states) => Object.values(states).map(({ sums }) => sums[0] ?? Number.NaN));
}

function samplesOf(states: MetricStates): number | undefined {
  return states["loss"]?.sums[1];
}

import { hashTensors, mergeMetrics, resolveMetrics, tensorOf, type PartitionData } from "@stampede/core";
import { expect, it } from "vitest";
import { classifierData, feature, label, numbers, rowOf, twoByTwoData, uniform, withoutLabels } from "./engine-data.js";
import { adam, classifier, dropout, sgd, single, training, twoByTwo, weightsFor } from "./engine-models.js";
import { expectNear, withSession, type Harness } from "./engine-support.js";

const judged = classifier(training(sgd, "categoricalCrossentropy", ["accuracy", "mse"]), [dropout("drop", 0.5)]);
const mixed = twoByTwo(
  training(adam, ["sparseCategoricalCrossentropy", "meanSquaredError"], {
    class: ["accuracy"],
    amount: ["mae", "r2Score"],
  }),
);

export function engineEvaluationContract(harness: Harness): void {
  it("computes loss and metrics of every sample once, whatever the batch size", async () => {
    const data = classifierData(23);
    const [predictions] = await harness().predict({ definition: judged.definition, weights: weightsFor(judged), data });
    const byHand = judge(data, predictions ?? new Float32Array());
    await withSession(harness, judged, async (session) => {
      for (const batchSize of [1, 4, 23, 100]) {
        const states = await session.evaluate({ data, batchSize, fromRow: 0, toRow: 23 });
        const { loss = 0, accuracy, mse = 0 } = resolveMetrics(states);
        expect(states["accuracy"]).toEqual({ kind: "mean", sums: [byHand.hits, 23] });
        expect(accuracy).toBe(byHand.hits / 23);
        expect(loss).toBeCloseTo(byHand.loss / 23, 5);
        expect(mse).toBeCloseTo(byHand.squares / (23 * 3), 6);
      }
    });
  });

  it.each([
    { what: "one output", model: judged, data: classifierData(23) },
    { what: "two outputs", model: mixed, data: twoByTwoData(23) },
  ])("gives states of $what that merge to those of the whole", async ({ model, data }) => {
    await withSession(harness, model, async (session) => {
      const range = (fromRow: number, toRow: number) => session.evaluate({ data, batchSize: 4, fromRow, toRow });
      const whole = resolveMetrics(await range(0, 23));
      const parts = [await range(0, 7), await range(7, 7), await range(7, 8), await range(8, 23)];
      const merged = resolveMetrics(mergeMetrics(parts));
      expect(Object.keys(merged)).toEqual(Object.keys(whole));
      // Sums are exact; but the value of one sample may depend, in its last bit, on the samples beside it.
      const { tolerance = 5e-11 } = harness();
      for (const [name, value] of Object.entries(whole)) expectNear([merged[name] ?? Number.NaN], [value], tolerance);
    });
  });

  it("sums up the losses of several outputs, and names what belongs to which", async () => {
    await withSession(harness, mixed, async (session) => {
      const data = twoByTwoData(9);
      const values = resolveMetrics(await session.evaluate({ data, batchSize: 4, fromRow: 0, toRow: 9 }));
      const names = ["loss", "class_loss", "amount_loss", "class_accuracy", "amount_mae", "amount_r2Score"];
      expect(Object.keys(values)).toEqual(names);
      expect(values["loss"]).toBeCloseTo((values["class_loss"] ?? 0) + (values["amount_loss"] ?? 0), 10);
    });
  });

  it("counts precision and recall at a threshold of one half, and the sums of r2Score", async () => {
    const questions = single(training(sgd, "binaryCrossentropy", ["precision", "recall"]), "sigmoid");
    const amounts = single(training(sgd, "meanSquaredError", ["r2Score"]), "linear");
    // sigmoid(x1 + x2) is above one half for the rows 0, 1 and 2.
    const inputs = [2, 1, 1, 0, 3, -1, -1, 0, -2, 1];
    const answers = (values: readonly number[]): PartitionData => ({
      rows: 5,
      fields: [numbers(feature("x"), 5, [2], inputs), numbers(label("y"), 5, [1], values)],
    });
    const sumOfInputs = new Map([
      ["answer/kernel", tensorOf(Float32Array.of(1, 1), [2, 1])],
      ["answer/bias", tensorOf(Float32Array.of(0), [1])],
    ]);
    await withSession(harness, questions, async (session) => {
      await session.load(sumOfInputs);
      const states = await session.evaluate({ data: answers([1, 1, 0, 1, 0]), batchSize: 2, fromRow: 0, toRow: 5 });
      expect(states["precision"]).toEqual({ kind: "precision", sums: [2, 3] });
      expect(states["recall"]).toEqual({ kind: "recall", sums: [2, 3] });
    });
    await withSession(harness, amounts, async (session) => {
      await session.load(sumOfInputs);
      const states = await session.evaluate({ data: answers([3, 2, 2, -2, -1]), batchSize: 2, fromRow: 0, toRow: 5 });
      expect(states["r2Score"]).toEqual({ kind: "r2Score", sums: [5, 4, 22, 2] });
    });
  });

  it("changes nothing, and says of no rows nothing but the names", async () => {
    await withSession(harness, judged, async (session, weights) => {
      const nothing = await session.evaluate({ data: classifierData(0), batchSize: 4, fromRow: 0, toRow: 0 });
      expect(Object.values(nothing).map(({ sums }) => sums)).toEqual([
        [0, 0],
        [0, 0],
        [0, 0],
      ]);
      await session.evaluate({ data: classifierData(9), batchSize: 4, fromRow: 0, toRow: 9 });
      expect(hashTensors((await session.save()).weights)).toBe(hashTensors(weights));
    });
  });
}

export function enginePredictionContract(harness: Harness): void {
  it("predicts rows in their order, of any range, without labels and without dropout", async () => {
    const data = classifierData(23);
    const [expected = new Float32Array()] = await harness().predict({
      definition: judged.definition,
      weights: weightsFor(judged),
      data,
    });
    await withSession(harness, judged, async (session) => {
      const [whole] = await session.predict({ data: withoutLabels(data), batchSize: 5, fromRow: 0, toRow: 23 });
      const [part] = await session.predict({ data, batchSize: 5, fromRow: 9, toRow: 20 });
      expect(whole?.dtype).toBe("float32");
      expect(whole?.shape).toEqual([23, 3]);
      expect(part?.shape).toEqual([11, 3]);
      for (const [index, value] of (whole?.data ?? []).entries()) expect(value).toBeCloseTo(expected[index] ?? 0, 6);
      for (let row = 0; row < 11; row += 1) {
        const found = rowOf(part?.data ?? [], [11, 3], row);
        for (const [at, value] of rowOf(expected, [23, 3], row + 9).entries()) expect(found[at]).toBeCloseTo(value, 6);
      }
    });
  });

  it("gives one tensor for each output", async () => {
    await withSession(harness, mixed, async (session) => {
      const outputs = await session.predict({ data: twoByTwoData(6), batchSize: 4, fromRow: 0, toRow: 6 });
      expect(outputs.map(({ shape }) => shape)).toEqual([
        [6, 3],
        [6, 1],
      ]);
    });
  });

  it("predicts an empty range as tensors without rows", async () => {
    await withSession(harness, judged, async (session) => {
      const [none] = await session.predict({ data: classifierData(4), batchSize: 4, fromRow: 2, toRow: 2 });
      expect(none?.shape).toEqual([0, 3]);
      expect(none?.data.length).toBe(0);
    });
  });

  it("returns predictions that later ones leave alone", async () => {
    const echo = single(training(sgd, "meanSquaredError"), "linear");
    const rows: PartitionData = { rows: 8, fields: [numbers(feature("x"), 8, [2], uniform(16, 1))] };
    await withSession(harness, echo, async (session) => {
      const [first] = await session.predict({ data: rows, batchSize: 2, fromRow: 0, toRow: 4 });
      const before = [...(first?.data ?? [])];
      await session.predict({ data: rows, batchSize: 2, fromRow: 4, toRow: 8 });
      expect([...(first?.data ?? [])]).toEqual(before);
    });
  });
}

interface Judgement {
  readonly hits: number;
  readonly loss: number;
  readonly squares: number;
}

/** Loss, hits and squared errors, one by one, from the predictions of the reference. */
function judge(data: PartitionData, predictions: Float32Array): Judgement {
  const labels = data.fields[1]?.tensor.data ?? [];
  let [hits, loss, squares] = [0, 0, 0];
  for (const [row, answer] of labels.entries()) {
    const chances = rowOf(predictions, [labels.length, 3], row);
    hits += chances.indexOf(Math.max(...chances)) === answer ? 1 : 0;
    loss -= Math.log(chances[answer] ?? Number.NaN);
    for (const [index, chance] of chances.entries()) squares += (chance - (index === answer ? 1 : 0)) ** 2;
  }
  return { hits, loss, squares };
}

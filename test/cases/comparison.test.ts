import { createEngine } from "@stampede/runtime";
import { beforeAll, describe, expect, it } from "vitest";
import type { Case, Prepared, Reference } from "./case.js";
import { isWithin, largestDifference, metricValues, valued } from "./compare.js";
import { noiseCases } from "./families/noise.js";
import { optimizerCases } from "./families/optimizers.js";
import { poolingCases } from "./families/pooling.js";
import { runCase } from "./run-case.js";
import { tfjsReference } from "./tfjs-reference.js";

beforeAll(async () => {
  await createEngine("tfjs-cpu");
});

describe("largestDifference", () => {
  it.each([
    { a: [1, 2, 3], b: [1, 2.5, 3], difference: 0.5 },
    { a: [Infinity], b: [Infinity], difference: 0 },
    { a: [Infinity], b: [1], difference: Infinity },
    { a: [Number.NaN], b: [Number.NaN], difference: Number.NaN },
    { a: [1, Number.NaN, 1], b: [1, 1, 9], difference: Number.NaN },
    { a: [1, 2], b: [1], difference: Number.NaN },
    { a: [], b: [], difference: 0 },
  ])("of $a and $b is $difference", ({ a, b, difference }) => {
    expect(largestDifference(a, b)).toBe(difference);
  });
});

describe("isWithin", () => {
  it("takes no difference from what never moved, and no number that is none", () => {
    expect(isWithin({ what: "frozen", difference: 0, scale: 0, bound: 0 })).toBe(true);
    expect(isWithin({ what: "frozen", difference: 1e-9, scale: 0, bound: 1e-5 })).toBe(false);
    expect(isWithin({ what: "nothing", difference: Number.NaN, scale: 1, bound: 1 })).toBe(false);
    expect(isWithin(valued("values", [100, 1], [100, 1.0009], 1e-5))).toBe(true);
    expect(isWithin(valued("values", [100, 1], [100, 1.0011], 1e-5))).toBe(false);
  });
});

describe("metricValues", () => {
  it("divides means, and leaves the sums of what is counted", () => {
    const states = { loss: { kind: "mean" as const, sums: [6, 4] }, recall: { kind: "recall" as const, sums: [0, 0] } };
    const values = metricValues([states, states]);
    expect([values.get("loss"), values.get("recall")]).toEqual([
      [1.5, 1.5],
      [0, 0, 0, 0],
    ]);
  });
});

/** References that are wrong somewhere; the comparison must notice each. */
const faults: readonly {
  readonly what: string;
  readonly cases: readonly Case[];
  readonly name: string;
  readonly wrong: Partial<Reference>;
}[] = [
  {
    what: "a learning rate that is off by 1e-4",
    cases: optimizerCases,
    name: "perceptron, momentum",
    wrong: trainedWith((prepared) => withRate(prepared, 0.05 * 1.0001)),
  },
  {
    what: "rows in another order",
    cases: optimizerCases,
    name: "perceptron, sgd",
    wrong: trainedWith((prepared) => ({
      ...prepared,
      data: { ...prepared.data, fields: prepared.data.fields.map(reversed) },
    })),
  },
  {
    what: "another loss",
    cases: poolingCases,
    name: "maxPooling2d, ties",
    wrong: trainedWith((prepared) => withLoss(prepared, "meanSquaredError")),
  },
];

describe("a case fails for", () => {
  it.each(faults)("$what", async ({ cases, name, wrong }) => {
    expect(await apart(cases, name, wrong)).toContain("weights");
  });

  it("other random numbers", async () => {
    const wrong = trainedWith((prepared) => ({ ...prepared, randomKey: 12 }));
    expect(await apart(noiseCases, "dropout", wrong)).toContain("weights");
  });

  it("predictions of other weights", async () => {
    const wrong: Partial<Reference> = {
      infer: (prepared, _weights, data) => tfjsReference.infer(prepared, prepared.weights, data),
    };
    const found = await apart(optimizerCases, "perceptron, sgd", wrong);
    expect(found).toEqual(["evaluated loss", "output 0"]);
  });
});

async function apart(cases: readonly Case[], name: string, wrong: Partial<Reference>): Promise<readonly string[]> {
  const each = cases.find((one) => one.name === name);
  if (each === undefined) throw new Error(`no case ${name}`);
  const { agreements } = await runCase({ ...each, reference: { ...tfjsReference, ...wrong } });
  return agreements.filter((agreement) => !isWithin(agreement)).map(({ what }) => what);
}

function trainedWith(change: (prepared: Prepared) => Prepared): Partial<Reference> {
  return { train: (prepared, compiler) => tfjsReference.train(change(prepared), compiler) };
}

function withRate(prepared: Prepared, learningRate: number): Prepared {
  const { definition } = prepared;
  const { optimizer_config: optimizer } = definition.training;
  const config = { ...optimizer.config, learningRate };
  return withTraining(prepared, { optimizer_config: { ...optimizer, config } });
}

function withLoss(prepared: Prepared, loss: string): Prepared {
  return withTraining(prepared, { loss });
}

function withTraining(prepared: Prepared, changes: Partial<Prepared["definition"]["training"]>): Prepared {
  const { definition } = prepared;
  return { ...prepared, definition: { ...definition, training: { ...definition.training, ...changes } } };
}

/** The same values, the last first. */
function reversed<T extends Prepared["data"]["fields"][number]>(column: T): T {
  const { tensor } = column;
  return { ...column, tensor: { ...tensor, data: tensor.data.toReversed() } };
}

import { isStampedeError } from "@stampede/core";
import { prepareTfjs } from "@stampede/runtime";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, it } from "vitest";
import { type GraphBuilder, splatOf, type Node, tensorFor, trace, type Trace } from "@stampede/graph/internals";

beforeAll(prepareTfjs);

const input = (g: GraphBuilder): tf.Tensor => tensorFor(g.input("x", "float32", [2, 3]));
const traced = (run: (x: tf.Tensor) => tf.Tensor): Trace => trace(({ g }) => [run(input(g))]);
const ops = ({ g }: Trace): string[] => g.nodes.map(({ op }) => op);

function refusal(work: () => unknown): { reason: unknown; message: string } {
  try {
    work();
  } catch (error) {
    if (isStampedeError(error) && error.code === "model.not-traceable") {
      return { reason: error.details["reason"], message: error.message };
    }
    throw error;
  }
  throw new Error("expected a refusal");
}

it("records what code would compute, and computes what is constant", () => {
  const result = traced((x) => tf.add(tf.mul(x, 2), tf.mul(tf.scalar(3), tf.scalar(4))));
  expect(ops(result)).toEqual(["Mul", "Add"]);
  expect(splatOf(result.g.nodes[1]?.inputs[1])).toBe(12);
});

it("makes equal nodes once", () => {
  expect(ops(traced((x) => tf.add(tf.exp(x), tf.exp(x))))).toEqual(["Exp", "Add"]);
});

it("leaves variables, the backend and Math.random as they were", () => {
  const variable = tf.variable(tf.tensor1d([1, 2, 3]));
  const before = { tensors: tf.memory().numTensors, random: Math.random };
  const { variables } = traced((x) => {
    variable.assign(tf.add(variable, 1));
    return tf.add(x, variable);
  });
  expect(variables.filter(({ after, before: first }) => after !== first).map((each) => each.variable)).toEqual([
    variable,
  ]);
  expect([...variable.dataSync()]).toEqual([1, 2, 3]);
  expect(tf.getBackend()).toBe("cpu");
  expect(Math.random).toBe(before.random);
  expect(tf.memory().numTensors).toBe(before.tensors);
  variable.dispose();
});

it("leaves everything as it was after code that throws, too", () => {
  const variable = tf.variable(tf.scalar(5));
  const tensors = tf.memory().numTensors;
  const { reason, message } = refusal(() =>
    traced(() => {
      variable.assign(tf.mul(variable, 2));
      throw new Error("the user's own");
    }),
  );
  expect(reason).toBe("failed");
  expect(message).toContain("the user's own");
  expect(variable.dataSync()[0]).toBe(5);
  expect(tf.getBackend()).toBe("cpu");
  expect(tf.memory().numTensors).toBe(tensors);
  variable.dispose();
});

it("takes variables that the code makes as inputs, with their first value", () => {
  const made: tf.Variable[] = [];
  const { variables } = traced((x) => {
    const slot = tf.zerosLike(tf.tensor1d([1, 1, 1])).variable();
    made.push(slot);
    slot.assign(tf.add(tf.mul(slot, 0.9), 1));
    return tf.add(x, slot);
  });
  const [slot] = variables.filter(({ variable }) => made.includes(variable));
  expect(slot?.after).not.toBe(slot?.before);
  expect([...(made[0]?.dataSync() ?? [])]).toEqual([0, 0, 0]);
  tf.dispose(made);
});

it("refuses code that reads values, naming the operation", () => {
  const { reason, message } = refusal(() => traced((x) => tf.scalar(tf.exp(x).dataSync()[0] ?? 0)));
  expect(reason).toBe("data-dependent");
  expect(message).toContain("Exp");
});

it("refuses a kernel that has no lowering, naming it", () => {
  const { reason, message } = refusal(() => traced((x) => tf.real(tf.fft(tf.complex(x, x)))));
  expect(reason).toBe("kernel");
  expect(message).toContain("Complex");
});

const scaled = [
  { what: "uniform numbers", run: () => tf.randomUniform([2, 3], -3, 5), distribution: "uniform", scale: 8, shift: -3 },
  {
    what: "normal numbers",
    run: () => tf.randomNormal([2, 3], 1.5, 0.1),
    distribution: "normal",
    scale: 0.1,
    shift: 1.5,
  },
  {
    what: "truncated normal numbers",
    run: () => tf.truncatedNormal([2, 3], 0, 2),
    distribution: "truncatedNormal",
    scale: 2,
    shift: 0,
  },
];
it.each(scaled)("draws $what from a pool with their parameters", ({ run, distribution, scale, shift }) => {
  const { recording, g } = traced((x) => tf.add(x, run()));
  expect(recording.random.draws.map((draw) => [draw.distribution, draw.size])).toEqual([[distribution, 6]]);
  const isScaling = ({ op, outputs }: Node, wanted: string): boolean =>
    op === wanted && outputs[0]?.dtype === "float32";
  const scalar = (wanted: string): number | undefined =>
    splatOf(g.nodes.find((node) => isScaling(node, wanted) && node.inputs[0]?.shape.join() === "6")?.inputs[1]);
  expect(scalar("Mul") ?? 1).toBeCloseTo(scale, 6);
  expect(scalar("Add") ?? 0).toBeCloseTo(shift, 6);
});

it("keeps numbers that were drawn with a seed of the user's own", () => {
  const { recording } = traced((x) => tf.add(x, tf.randomUniform([2, 3], 0, 1, "float32", 42)));
  expect(recording.random.draws).toEqual([]);
});

it.each([
  { what: "randomGamma", run: () => tf.randomGamma([2, 3], 1), names: "randomGamma" },
  { what: "random integers", run: () => tf.cast(tf.randomUniform([2, 3], 0, 9, "int32"), "float32"), names: "int32" },
  { what: "rand", run: () => tf.rand([2, 3], () => Math.random()), names: "rand" },
  { what: "Math.random", run: () => tf.scalar(Math.random()), names: "" },
  {
    what: "Math.random for something else",
    run: () => (Math.random() < 2 ? tf.zeros([2, 3]) : tf.ones([2, 3])),
    names: "",
  },
])("refuses $what, whose numbers would be the same in every step", ({ run, names }) => {
  const { reason, message } = refusal(() => traced((x) => tf.add(x, run())));
  expect(reason).toBe("random");
  expect(message).toContain(names);
});

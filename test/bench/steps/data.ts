import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sizeOf, tensorOf, uniformStream, type Field, type NumericArray, type PartitionData } from "@stampede/core";
import { mnistFolder } from "../mnist.js";
import { encoderShape, lstmShape, seriesShape, type CaseName } from "./cases.js";

type Column = PartitionData["fields"][number];

/** http://yann.lecun.com/exdb/mnist: a header, then the bytes of one row after the other. */
const idxHeader = { images: 16, labels: 8 } as const;
const seeds = { features: 11, labels: 77 } as const;

/** The case's rows: the first ones of MNIST, or numbers that follow from a seed. */
export function dataOf(name: CaseName, rows: number): PartitionData {
  switch (name) {
    case "mlp":
    case "mlp-adam":
    case "big-mlp":
      return { rows, fields: [pixels(mnistImages(rows), [784]), digits(mnistLabels(rows))] };
    case "cnn":
      return { rows, fields: [pixels(mnistImages(rows), [28, 28, 1]), digits(mnistLabels(rows))] };
    case "cifar":
    case "resnet": {
      const shape = [32, 32, 3];
      const images = new Uint8Array(rows * sizeOf(shape));
      return {
        rows,
        fields: [
          pixels(random(images, 256, seeds.features), shape),
          digits(random(new Uint8Array(rows), 10, seeds.labels)),
        ],
      };
    }
    case "lstm":
      return { rows, fields: [wordsOf(rows, lstmShape), answers(rows, [])] };
    case "lstm-2":
      return { rows, fields: [wordsOf(rows, lstmShape), answers(rows, [lstmShape.length, 1])] };
    case "gru":
    case "rnn": {
      const { length, inputs } = seriesShape;
      const next = uniformStream(seeds.features);
      const series = Float32Array.from({ length: rows * length * inputs }, () => 2 * next() - 1);
      return { rows, fields: [column("feature", series, [length, inputs], 1), answers(rows, [])] };
    }
    case "encoder": {
      const { classes } = encoderShape;
      const labels = random(new Uint8Array(rows), classes, seeds.labels);
      return { rows, fields: [wordsOf(rows, encoderShape), classesOf(labels, classes)] };
    }
  }
}

function pixels(values: Uint8Array, shape: number[]): Column {
  return column("feature", values, shape, 255);
}

function digits(classes: Uint8Array): Column {
  return classesOf(classes, 10);
}

function classesOf(values: Uint8Array, classes: number): Column {
  const field: Field = {
    name: "label",
    role: "label",
    storage: "uint8",
    storedShape: [],
    shape: [classes],
    encoding: { kind: "oneHot", classes },
  };
  return { field, tensor: tensorOf(values, [values.length]) };
}

function wordsOf(rows: number, { vocabulary, length }: { vocabulary: number; length: number }): Column {
  const words = random(new Uint16Array(rows * length), vocabulary, seeds.features);
  return column("feature", words, [length], 1);
}

/** Yes or no, of each row or of each of its steps. */
function answers(rows: number, shape: number[]): Column {
  return column("label", random(new Uint8Array(rows * sizeOf(shape)), 2, seeds.labels), shape, 1);
}

function column(role: Field["role"], values: NumericArray, shape: number[], divide: number): Column {
  const tensor = tensorOf(values, [values.length / sizeOf(shape), ...shape]);
  const encoding = { kind: "affine" as const, subtract: [0], divide: [divide] };
  return { field: { name: role, role, storage: tensor.dtype, storedShape: shape, shape, encoding }, tensor };
}

function mnistImages(rows: number): Uint8Array {
  return mnist("train-images-idx3-ubyte", idxHeader.images, rows * 784);
}

function mnistLabels(rows: number): Uint8Array {
  return mnist("train-labels-idx1-ubyte", idxHeader.labels, rows);
}

function mnist(file: string, header: number, length: number): Uint8Array {
  return Uint8Array.from(readFileSync(join(mnistFolder(), file)).subarray(header, header + length));
}

/** Fills `values` with whole numbers below `below`. */
function random<Values extends Uint8Array | Uint16Array>(values: Values, below: number, seed: number): Values {
  const next = uniformStream(seed);
  for (let i = 0; i < values.length; i += 1) values[i] = Math.floor(next() * below);
  return values;
}

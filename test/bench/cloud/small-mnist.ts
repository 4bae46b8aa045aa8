import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mnistFolder } from "../mnist.js";
import { repository } from "../report.js";

const batchSize = 64;

const images = { name: "train-images-idx3-ubyte", header: 16, rowBytes: 784 } as const;
const labels = { name: "train-labels-idx1-ubyte", header: 8, rowBytes: 1 } as const;

/**
 * Writes a job that trains the example's network on the first rows of MNIST, one batch an executor.
 * @returns the job file
 */
export async function writeSmallMnist(folder: string, executors: number): Promise<string> {
  const rows = executors * batchSize;
  for (const { name, header, rowBytes } of [images, labels]) {
    const head = await firstBytes(join(mnistFolder(), name), header + rows * rowBytes);
    head.writeUInt32BE(rows, 4);
    await writeFile(join(folder, name), head);
  }
  const example = join(repository, "packages/examples/mnist");
  const file = join(folder, "job.yaml");
  await writeFile(
    file,
    `name: small-mnist
model: ${join(example, "model.ts")}
data:
  train:
    format: idx
    features: { file: ./${images.name}, shape: [784], scale: 255 }
    labels: { file: ./${labels.name}, oneHot: 10 }
training: { executors: ${executors}, epochs: 1, batchSize: ${batchSize}, seed: 7 }
`,
  );
  return file;
}

async function firstBytes(path: string, bytes: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer } = await file.read({ buffer: Buffer.alloc(bytes), position: 0 });
    return buffer;
  } finally {
    await file.close();
  }
}

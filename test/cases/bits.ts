import { createHash } from "node:crypto";
import type { EngineSession, NamedTensors } from "@stampede/core";
import { createEngine } from "@stampede/runtime";
import type { Case, Prepared } from "./case.js";
import { blockedCases } from "./families/blocked.js";
import { convolutionCases } from "./families/convolutions.js";
import { noiseCases } from "./families/noise.js";
import { recurrentCases } from "./families/recurrent.js";
import { prepare, rowsInOrder } from "./prepare.js";

const names = [
  "dropout and adam",
  "convolutional network, sgd",
  "lstm with dropout and recurrent dropout",
  "blocks: dropout and momentum",
];

/** One perceptron, two convolutional and one recurrent network, all of them with dropout. */
export const repeatedCases: readonly Case[] = [
  ...noiseCases,
  ...convolutionCases,
  ...recurrentCases,
  ...blockedCases,
].filter(({ name }) => names.includes(name));

/** The batches of each call, and whether a session of its own goes on from what the one before saved. */
export interface Split {
  readonly calls: readonly (readonly [fromBatch: number, toBatch: number])[];
  readonly fresh: boolean;
}

/** The bits of all weights and of the optimizer's memory after a training. */
export async function trainedBits(each: Case, { calls, fresh }: Split, key?: number): Promise<string> {
  const prepared = prepare(each);
  let session = await opened(prepared);
  await session.load(prepared.weights);
  const { data, batchSize, randomKey } = prepared;
  const order = rowsInOrder(data);
  for (const [fromBatch, toBatch] of calls) {
    if (fresh) {
      const { weights, optimizer } = await session.save();
      session.close();
      session = await opened(prepared);
      await session.load(weights, optimizer);
    }
    await session.train({ data, batchSize, order, fromBatch, toBatch, randomKey: key ?? randomKey });
  }
  const { weights, optimizer } = await session.save();
  session.close();
  return `${hashOf(weights)} ${hashOf(optimizer)}`;
}

export const atOnce: Split = { calls: [[0, 11]], fresh: false };

async function opened({ definition }: Prepared): Promise<EngineSession> {
  return (await createEngine("compiled")).open(definition);
}

/** Of the values alone: tfjs numbers the layers of a thread, and so their names. */
function hashOf(tensors: NamedTensors): string {
  const hash = createHash("sha256");
  for (const { data } of tensors.values()) hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest("hex").slice(0, 16);
}

import {
  bytesPerElement,
  decodeTensorRecord,
  keys,
  PartRecord,
  partsOfSlice,
  readObject,
  slicingIn,
  StampedeError,
  tensorOf,
  viewOf,
  type JobId,
  type JobSpec,
  type NamedTensors,
  type ObjectStore,
  type Tensor,
} from "@stampede/core";
import { joinTensors, splitTensors } from "../../round-tensors.js";
import { missing } from "../../store/records.js";

type PartPiece = PartRecord["pieces"][number];

interface Joined {
  readonly pieces: readonly PartPiece[];
  readonly tensors: NamedTensors;
}

/** The parts of a slice, put together: of each tensor one run of numbers. @throws StampedeError `store.*` */
export async function joinParts(spec: JobSpec, round: number, slice: number, store: ObjectStore): Promise<Joined> {
  const parts = partsOfSlice(slicingIn(spec), slice);
  const read = await Promise.all(parts.map((part) => readPart(spec.job, round, part, store)));
  const runs = new Map<string, { readonly piece: PartPiece; readonly tensors: Tensor[] }>();
  for (const { pieces, tensors } of read) {
    for (const piece of pieces) {
      const tensor = tensors.get(piece.name);
      if (tensor === undefined) continue;
      const run = runs.get(piece.name) ?? { piece, tensors: [] };
      run.tensors.push(tensor);
      runs.set(piece.name, run);
    }
  }
  const joined = new Map([...runs].map(([name, { tensors }]) => [name, joinedOf(tensors)]));
  // Each part has some of both.
  const tensors = joinTensors(splitTensors(joined));
  return { tensors, pieces: [...tensors.keys()].flatMap((name) => runs.get(name)?.piece ?? []) };
}

async function readPart(job: JobId, round: number, part: number, store: ObjectStore): Promise<Joined> {
  const key = keys.averagedPart(job, round, part);
  const read = await readObject(store, key, (body) => decodeTensorRecord(PartRecord, body, key));
  if (read === undefined) throw missing(key);
  const { record, tensors } = read.value;
  const belongs = record.job === job && record.round === round && record.part === part;
  if (!belongs || record.pieces.some(({ name }) => !tensors.has(name))) throw foreign(key);
  return { pieces: record.pieces, tensors };
}

function joinedOf(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors;
  const count = tensors.reduce((sum, { data }) => sum + data.length, 0);
  const dtype = first?.dtype ?? "float32";
  const whole = tensorOf(viewOf(dtype, new ArrayBuffer(count * bytesPerElement[dtype]), 0, count), [count]);
  let at = 0;
  for (const { data } of tensors) {
    whole.data.set(data, at);
    at += data.length;
  }
  return whole;
}

function foreign(key: string): StampedeError {
  const message = `Expected the part of the weights that the name of ${key} says, found another. The round was not averaged.`;
  return new StampedeError("store.corrupt", message, { details: { key } });
}

import type { Compute } from "@stampede/core";
import { createEngine, createGraphCompiler } from "@stampede/runtime";
import { usualBound, type Case, type Inferred, type Prepared, type Trained } from "./case.js";
import { metricValues, moved, valued, type Agreement } from "./compare.js";
import { dataOf } from "./data.js";
import { countNodes } from "./graph-size.js";
import { infer, inferredRows } from "./infer.js";
import { predictPlainly } from "./plain-reference.js";
import { fieldsOf, prepare, rowsInOrder } from "./prepare.js";
import { tfjsReference } from "./tfjs-reference.js";

export interface CaseResult {
  readonly name: string;
  /** Of the weights that are trained. */
  readonly weights: Agreement;
  /** All that was compared, with the weights. */
  readonly agreements: readonly Agreement[];
  /** Of the graph that trains full batches. */
  readonly nodes: number;
  readonly bytes: number;
}

interface CaseOptions {
  /** Whether to train with what every processor has. @default false */
  readonly portable?: boolean;
}

/** Trains a case in the compiled engine and as its reference does, and compares what comes out, evaluation and predictions too. */
export async function runCase(each: Case, { portable = false }: CaseOptions = {}): Promise<CaseResult> {
  const { reference = tfjsReference } = each;
  const prepared = prepare(each);
  const { definition, custom, weights, data, batchSize, batches, randomKey } = prepared;
  const compiler = await createGraphCompiler(definition, custom);
  const compute: Compute = { threads: 1, spinning: false, ...(portable && { portable }) };
  const session = await (await createEngine("compiled", compute)).open(definition, compiler);
  try {
    const expected = await reference.train(prepared, compiler);
    await session.load(weights);
    const range = { order: rowsInOrder(data), fromBatch: 0, toBatch: batches, randomKey };
    const outcome = await session.train({ data, batchSize, ...range });
    const found = { ...(await session.save()), batches: outcome.batches };
    const [ofWeights, ...others] = compareTraining(prepared, expected, found, compiler.layout.trainable);
    // Of the same weights, so that only this is compared.
    await session.load(expected.weights);
    const rows = dataOf(each, inferredRows, 2);
    const inferred = await infer(session, rows);
    const { bytes } = compiler.compile({ kind: "train", batchSize, fields: fieldsOf(data) });
    const agreements = [
      ofWeights,
      ...others,
      ...compareInference(await reference.infer(prepared, expected.weights, rows), inferred),
      ...compareOutputs("the program's own model's ", predictPlainly(each, expected.weights, rows), inferred),
    ];
    return { name: each.name, weights: ofWeights, agreements, nodes: countNodes(bytes), bytes: bytes.length };
  } finally {
    session.close();
    compiler.dispose();
  }
}

function compareTraining(
  { case: { bound = usualBound, undetermined = [] }, weights: before }: Prepared,
  expected: Trained,
  found: Trained,
  trainable: ReadonlyMap<string, unknown>,
): [Agreement, ...Agreement[]] {
  const sets = { before, expected: expected.weights, found: found.weights };
  const isDetermined = (name: string): boolean => !undetermined.some((weight) => name.endsWith(weight));
  const others = [...before.keys()].filter((name) => !trainable.has(name) && isDetermined(name));
  const zeros = new Map([...expected.optimizer].map(([name, tensor]) => [name, zerosLike(tensor)]));
  const memory = { before: zeros, expected: expected.optimizer, found: found.optimizer };
  return [
    moved("weights", [...trainable.keys()].filter(isDetermined), sets, bound),
    moved("other weights", others, sets, usualBound),
    ...[...expected.optimizer.keys()].filter(isDetermined).map((name) => moved(name, [name], memory, usualBound)),
    ...compareMetrics("", expected.batches, found.batches),
  ];
}

function zerosLike<T extends { readonly data: { readonly length: number } }>(tensor: T): T {
  return { ...tensor, data: new Float32Array(tensor.data.length) };
}

export function compareInference(expected: Inferred, found: Inferred): readonly Agreement[] {
  return [
    ...compareMetrics("evaluated ", expected.metrics, found.metrics),
    ...compareOutputs("", expected.outputs, found),
    valued("shapes of outputs", expected.shapes, found.shapes, 0),
  ];
}

function compareOutputs(what: string, expected: Inferred["outputs"], { outputs }: Inferred): readonly Agreement[] {
  return expected.map((list, index) => valued(`${what}output ${index}`, list, outputs[index] ?? [], usualBound));
}

function compareMetrics(what: string, expected: Inferred["metrics"], found: Inferred["metrics"]): readonly Agreement[] {
  const values = metricValues(found);
  return [...metricValues(expected)].map(([label, list]) =>
    valued(`${what}${label}`, list, values.get(label) ?? [], usualBound),
  );
}

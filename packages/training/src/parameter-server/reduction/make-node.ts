import {
  encodeTensorRecord,
  groupsIn,
  hashTensors,
  keys,
  PartRecord,
  SliceRecord,
  slicingIn,
  SumRecord,
  type JobSpec,
  type ReductionNode,
} from "@stampede/core";
import type { ParameterServerDeps } from "../../deps.js";
import { joinNames, joinTensors } from "../../round-tensors.js";
import { createAny } from "../../store/commit.js";
import { missing } from "../../store/records.js";
import { readGroupPlan, type ReadPlan } from "./group-plan.js";
import { joinParts } from "./join-parts.js";
import { asSumPiece, meanOfSum, meanOfSums, type PartMean } from "./make-mean.js";
import { sumPart } from "./make-sum.js";
import { childrenOf, keyOf, partOf } from "./tree.js";

type Deps = Pick<ParameterServerDeps, "store" | "unique">;

/**
 * Makes one node of what it is made of, which is all there, and commits it. Whoever made the same was first, in the same bits.
 * @throws DamagedDelta
 * @throws StampedeError `store.*`, `training.*`
 */
export async function makeNode(spec: JobSpec, round: number, node: ReductionNode, deps: Deps): Promise<void> {
  await createAny(deps.store, keyOf(spec, round, node), await bodyOf(spec, round, node, deps));
}

function bodyOf(spec: JobSpec, round: number, node: ReductionNode, deps: Deps): Promise<Uint8Array> {
  switch (node.kind) {
    case "sum":
      return sumBody(spec, round, node, deps);
    case "part":
      return partBody(spec, round, node, deps);
    case "slice":
      return sliceBody(spec, round, node, deps);
    default:
      return node satisfies never;
  }
}

async function sumBody(
  spec: JobSpec,
  round: number,
  { group, part }: Extract<ReductionNode, { kind: "sum" }>,
  { store, unique }: Deps,
): Promise<Uint8Array> {
  const { weights, optimizer, pieces } = await sumPart(spec, await planOf(spec, round, group, store), part, store);
  const record: SumRecord = {
    version: 1,
    job: spec.job,
    round,
    group,
    part,
    attemptId: unique.hex(16),
    weight: weights.weight,
    stateWeight: optimizer.weight,
    pieces: joinNames(pieces).map(asSumPiece),
  };
  const tensors = joinTensors({ weights: weights.tensors, optimizer: optimizer.tensors });
  return encodeTensorRecord(SumRecord, record, tensors);
}

async function partBody(
  spec: JobSpec,
  round: number,
  node: Extract<ReductionNode, { kind: "part" }>,
  deps: Deps,
): Promise<Uint8Array> {
  const mean = await meanOf(spec, round, node, deps);
  const { part } = node;
  const record: PartRecord = {
    version: 1,
    job: spec.job,
    round,
    part,
    attemptId: deps.unique.hex(16),
    pieces: piecesOf(mean),
  };
  return encodeTensorRecord(PartRecord, record, joinTensors(mean));
}

async function sliceBody(
  spec: JobSpec,
  round: number,
  node: Extract<ReductionNode, { kind: "slice" }>,
  deps: Deps,
): Promise<Uint8Array> {
  const { slices, parts } = slicingIn(spec);
  const { pieces, tensors } =
    parts > slices
      ? await joinParts(spec, round, node.slice, deps.store)
      : wholeOf(await meanOf(spec, round, node, deps));
  const record: SliceRecord = {
    version: 1,
    job: spec.job,
    round,
    slice: node.slice,
    attemptId: deps.unique.hex(16),
    sha256: hashTensors(tensors),
    pieces: [...pieces],
  };
  return encodeTensorRecord(SliceRecord, record, tensors);
}

async function meanOf(spec: JobSpec, round: number, node: ReductionNode, { store }: Deps): Promise<PartMean> {
  const part = partOf(node);
  const groups = childrenOf(spec, node).flatMap((child) => (child.kind === "sum" ? [child.group] : []));
  if (groupsIn(spec.partitions) > 1) return meanOfSums(spec, round, part, groups, store);
  return meanOfSum(spec, round, part, await sumPart(spec, await planOf(spec, round, 0, store), part, store), store);
}

async function planOf({ job }: JobSpec, round: number, group: number, store: Deps["store"]): Promise<ReadPlan> {
  const plan = await readGroupPlan(store, job, round, group);
  if (plan === undefined) throw missing(keys.groupPlan(job, round, group));
  return plan;
}

function piecesOf({ pieces }: PartMean): PartRecord["pieces"] {
  return joinNames(pieces).map(({ name, shape, from }) => ({ name, shape: [...shape], from }));
}

function wholeOf(mean: PartMean): Awaited<ReturnType<typeof joinParts>> {
  return { pieces: piecesOf(mean), tensors: joinTensors(mean) };
}

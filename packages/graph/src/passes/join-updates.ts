import { sizeOf } from "@stampede/core";
import { GraphBuilder, type ValueNumbers } from "../ir/builder.js";
import { concat, reshape, split } from "../ir/ops/shape.js";
import { isSameShape, type Graph, type Node, type Shape, type Value } from "../ir/types.js";
import { removeDeadCode, valuesUsedBy } from "./dead-code.js";
import { Components } from "./components.js";

/** Of single elements, and made of cheap instructions: what optimizers are made of. */
const elementwise: ReadonlySet<string> = new Set([
  "Add",
  "Sub",
  "Mul",
  "Div",
  "Sqrt",
  "Neg",
  "Abs",
  "Max",
  "Pow",
  "Reciprocal",
  "Clip",
]);

/**
 * Tensors up to this many elements are updated together. Of a larger one the arithmetic takes longer than a node's own 2 us, and its
 * numbers stay in the processor's nearest cache only while it is alone.
 */
const maxElements = 4096;
/** Of all that are updated together. */
const maxJoined = 65_536;

/** What an optimizer does to one weight and its slots: nodes of one shape that end in the graph's outputs. */
interface Update {
  readonly shape: Shape;
  readonly nodes: readonly Node[];
  /** Values from elsewhere, of the same shape: gradient, weight, slots. */
  readonly leaves: readonly Value[];
  /** Outputs of the graph. */
  readonly results: readonly Value[];
  /** The same for updates that differ in their leaves' values only. */
  readonly form: string;
}

/**
 * Updates small tensors together: gradients, weights and slots of the same kind are laid end to end, go through the optimizer's
 * operations once, and are cut apart. An Adam of 67 tensors is 1,000 nodes otherwise. Every element sees the same operations, so results
 * have the same bits.
 */
export function joinUpdates(graph: Graph, numbers: ValueNumbers): Graph {
  const groups = groupsOf(updatesOf(graph)).filter(isWorthwhile);
  if (groups.length === 0) return graph;
  const g = new GraphBuilder(numbers);
  for (const { name, value } of graph.inputs) g.adoptInput(name, value);
  g.adoptNodes(graph.nodes);
  const renewed = new Map<Value, Value>();
  for (const group of groups) join(g, group, renewed);
  const outputs = graph.outputs.map(({ name, value }) => ({ name, value: renewed.get(value) ?? value }));
  return removeDeadCode(g.finish(outputs));
}

function updatesOf(graph: Graph): readonly Update[] {
  const outputs = new Set(graph.outputs.map(({ value }) => value));
  const users = usersOf(graph);
  const components = new Components(graph.nodes.filter(isCandidate));
  return components.lists().flatMap((nodes) => {
    const made = new Set(nodes.flatMap((node) => node.outputs));
    const isInside = new Set(nodes);
    // What is read by anybody else would have to be there before all the others' gradients are.
    const isClosed = nodes.every((node) =>
      node.outputs.every((value) => (users.get(value) ?? []).every((user) => isInside.has(user))),
    );
    const [shape] = nodes.map(({ outputs: [result] }) => result?.shape);
    if (!isClosed || shape === undefined) return [];
    const form = formOf(nodes, made, outputs, shape);
    return form === undefined ? [] : [{ shape, nodes, ...form }];
  });
}

function isCandidate({ op, domain, outputs: [result] }: Node): boolean {
  if (result === undefined || domain !== "" || result.dtype !== "float32" || !elementwise.has(op)) return false;
  const size = sizeOf(result.shape);
  return size > 1 && size <= maxElements;
}

function usersOf(graph: Graph): ReadonlyMap<Value, readonly Node[]> {
  const users = new Map<Value, Node[]>();
  for (const node of graph.nodes) {
    for (const value of valuesUsedBy(node)) {
      const known = users.get(value);
      if (known === undefined) users.set(value, [node]);
      else known.push(node);
    }
  }
  return users;
}

/** undefined where operands are stretched, which joined ones could not be. */
function formOf(
  nodes: readonly Node[],
  made: ReadonlySet<Value>,
  outputs: ReadonlySet<Value>,
  shape: Shape,
): Pick<Update, "leaves" | "results" | "form"> | undefined {
  const places = new Map<Value, string>();
  const leaves: Value[] = [];
  const placeOf = (value: Value | undefined): string | undefined => {
    if (value === undefined) return "-";
    const known = places.get(value);
    if (known !== undefined) return known;
    if (sizeOf(value.shape) === 1) return `scalar ${value.id}`;
    if (made.has(value) || !isSameShape(value.shape, shape) || value.dtype !== "float32") return undefined;
    places.set(value, `leaf ${leaves.length}`);
    leaves.push(value);
    return places.get(value);
  };
  const lines: string[] = [];
  const results: Value[] = [];
  for (const [index, node] of nodes.entries()) {
    const inputs = node.inputs.map(placeOf);
    const [result] = node.outputs;
    if (result === undefined || inputs.includes(undefined)) return undefined;
    places.set(result, `node ${index}`);
    const isResult = outputs.has(result);
    if (isResult) results.push(result);
    lines.push([node.op, JSON.stringify(node.attributes), ...inputs, isResult ? "out" : ""].join());
  }
  return { leaves, results, form: lines.join("\n") };
}

function groupsOf(updates: readonly Update[]): readonly (readonly Update[])[] {
  const open = new Map<string, { members: Update[]; size: number }>();
  const groups: Update[][] = [];
  for (const update of updates) {
    const size = sizeOf(update.shape);
    const group = open.get(update.form);
    if (group !== undefined && group.size + size <= maxJoined) {
      group.members.push(update);
      group.size += size;
      continue;
    }
    const members = [update];
    groups.push(members);
    open.set(update.form, { members, size });
  }
  return groups;
}

/** Whether it makes fewer nodes: those that lay end to end, reshape and cut count as well. */
function isWorthwhile(group: readonly Update[]): boolean {
  const [first] = group;
  if (first === undefined) return false;
  const flattened = group.filter(({ shape }) => shape.length > 1).length;
  const ends = first.leaves.length + first.results.length;
  return (group.length - 1) * first.nodes.length > ends * (1 + flattened);
}

function join(g: GraphBuilder, group: readonly Update[], renewed: Map<Value, Value>): void {
  const [first] = group;
  if (first === undefined) return;
  g.origin = "optimizer";
  const sizes = group.map(({ shape }) => sizeOf(shape));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const joined = new Map<Value, Value>();
  for (const [at, leaf] of first.leaves.entries()) {
    const parts = group.flatMap(({ leaves }, member) => {
      const part = leaves[at];
      return part === undefined ? [] : [reshape(g, part, [sizes[member] ?? 0])];
    });
    joined.set(leaf, concat(g, parts, 0));
  }
  for (const { op, inputs, outputs, attributes } of first.nodes) {
    const operands = inputs.map((value) => value && (joined.get(value) ?? value));
    const [result] = outputs;
    if (result === undefined) continue;
    joined.set(result, g.node(op, operands, { dtype: "float32", shape: [total] }, { attributes }));
  }
  for (const [at, result] of first.results.entries()) {
    const whole = joined.get(result);
    if (whole === undefined) continue;
    for (const [member, part] of split(g, whole, sizes, 0).entries()) {
      const update = group[member];
      const old = update?.results[at];
      if (update !== undefined && old !== undefined) renewed.set(old, reshape(g, part, update.shape));
    }
  }
}

import type { NamedTensors, Tensor } from "@stampede/core";

/** Weights and optimizer state share an object; the state's names get this prefix, which no layer's name can have. */
const optimizerPrefix = "//optimizer/";

export interface RoundTensors {
  readonly weights: NamedTensors;
  readonly optimizer: NamedTensors;
}

export function joinTensors({ weights, optimizer }: RoundTensors): NamedTensors {
  const joined = new Map<string, Tensor>(weights);
  for (const [name, tensor] of optimizer) joined.set(optimizerPrefix + name, tensor);
  return joined;
}

export function splitTensors(joined: NamedTensors): RoundTensors {
  const weights = new Map<string, Tensor>();
  const optimizer = new Map<string, Tensor>();
  for (const [name, tensor] of joined) {
    if (name.startsWith(optimizerPrefix)) optimizer.set(name.slice(optimizerPrefix.length), tensor);
    else weights.set(name, tensor);
  }
  return { weights, optimizer };
}

/** The same for what has a name: what is known of tensors without their numbers. Optimizer state gets its own names back. */
export function splitNames<T extends { readonly name: string }>(
  joined: readonly T[],
): { readonly weights: readonly T[]; readonly optimizer: readonly T[] } {
  const isState = ({ name }: T): boolean => name.startsWith(optimizerPrefix);
  return {
    weights: joined.filter((each) => !isState(each)),
    optimizer: joined.filter(isState).map((each) => ({ ...each, name: each.name.slice(optimizerPrefix.length) })),
  };
}

export function joinNames<T extends { readonly name: string }>(split: {
  readonly weights: readonly T[];
  readonly optimizer: readonly T[];
}): readonly T[] {
  return [...split.weights, ...split.optimizer.map((each) => ({ ...each, name: optimizerPrefix + each.name }))];
}

import type { Value } from "../ir/types.js";

/**
 * What a tfjs tensor of the recording backend holds in place of data (its `dataId`). Several may stand for the same graph value: tfjs
 * counts references to each of them and frees it on its own, which leaves the graph as it is.
 */
export class Handle {
  readonly value: Value;
  references = 1;

  constructor(value: Value) {
    this.value = value;
  }
}

/** The compiler's parts, for tests and benchmarks that put graphs together by hand. They change without notice. */
export { withoutDenormals } from "./build/flush.js";
export { Places } from "./format/places.js";
export { manifestKey } from "./format/read-graph.js";
export { MessageWriter, readMessage } from "./format/wire.js";
export { GraphBuilder } from "./ir/builder.js";
export { encodeModel } from "./ir/encode.js";
export { add, mul } from "./ir/ops/elementwise.js";
export { isConstant, splatOf, type Graph, type Node, type Value } from "./ir/types.js";
export { kernels } from "./kernels/index.js";
export { flopsOf } from "./build/flops.js";
export { removeDeadCode } from "./passes/dead-code.js";
export { hoist } from "./passes/hoist.js";
export { fuse, optimise } from "./passes/index.js";
export { joinUpdates } from "./passes/join-updates.js";
export { openBatch } from "./passes/open-batch.js";
export { tensorFor, trace, type Trace } from "./trace/trace.js";

export { executorsContract, type ExecutorsHarness } from "./contracts/executors.js";
export { engineContract } from "./contracts/engine.js";
export type { EngineHarness, PlainFit, PlainOutcome } from "./contracts/engine-support.js";
export { objectStoreContract } from "./contracts/object-store.js";
export type { ObjectStoreHarness } from "./contracts/object-store-support.js";
export { queueContract } from "./contracts/queue.js";
export type { QueueHarness } from "./contracts/queue-support.js";
export { EventRecorder } from "./event-recorder.js";
export { FaultyClock } from "./faults/faulty-clock.js";
export { FaultyEngine } from "./faults/faulty-engine.js";
export { FaultyEventSink } from "./faults/faulty-event-sink.js";
export { FaultyExecutors } from "./faults/faulty-executors.js";
export { FaultyObjectStore } from "./faults/faulty-object-store.js";
export { FaultyQueue } from "./faults/faulty-queue.js";
export {
  faultsOf,
  noFaults,
  type Fault,
  type FaultKind,
  type Faults,
  type Operation,
  type OperationName,
} from "./faults/faults.js";
export { ManualClock } from "./manual-clock.js";
export { MemoryObjectStore } from "./memory-object-store.js";
export { SequentialUnique } from "./sequential-unique.js";
export { tinyEngine } from "./tiny-engine.js";
export { errorReply, refusal, type WireReply } from "./wire/envelopes.js";
export { wireFaultsOf, type WireError, type WireFault, type WireFaultKind, type WireOperation } from "./wire/faults.js";
export { describeWireLog, type WireCounts, type WireRecord } from "./wire/log.js";
export { WireFate, type ChanceRule, type ScriptedRule, type WirePlan } from "./wire/plan.js";
export { startFaultProxy, type FaultProxy, type FaultProxyOptions } from "./wire/proxy.js";
export { recognise, type RequestHead, type WireRequest } from "./wire/recognise.js";

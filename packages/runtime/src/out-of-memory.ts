import { constants } from "node:buffer";
import { StampedeError } from "@stampede/core";

/** How onnxruntime (its arena, the C++ library), V8, Node.js, Emscripten and TensorFlow say that there is no memory left. */
const noMemory =
  /Failed to allocate memory|std::bad_alloc|Array buffer allocation failed|WebAssembly\.Memory.*(?:could not allocate|grow)|abort(?:ed)?\(OOM|OOM when allocating/i;
/** Also said of a view that its buffer is too short for, which is a fault of the program. Longer arrays than V8 can make are not. */
const tooLong = /^Invalid typed array length: (\d+)$/;
const longestArray = constants.MAX_LENGTH / Float64Array.BYTES_PER_ELEMENT;

/** Whether an error says that memory could not be had. */
export function isOutOfMemory(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  if (noMemory.test(error.message)) return true;
  return error instanceof RangeError && Number(tooLong.exec(error.message)?.[1] ?? 0) > longestArray;
}

/** @param doing after "memory to"; with where it happened, if that is known */
export function outOfMemory(doing: string, cause: Error): StampedeError {
  const [reason = ""] = cause.message.split("\n", 1);
  const message =
    `Expected memory to ${doing}, found none: ${reason}. Nothing was changed; ` +
    "use more executors (smaller partitions) or a smaller batchSize, or raise the memory limit.";
  return new StampedeError("task.out-of-memory", message, { cause });
}

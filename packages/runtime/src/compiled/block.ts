import { Block } from "@stampede/core";
import { blockProbe } from "@stampede/graph/format";
import { loadOrt, sessionOptions } from "./ort.js";

/** Tells the block of a processor; undefined for one without blocked kernels. */
export type BlockProbe = () => Promise<Block | undefined>;

let known: Promise<Block | undefined> | undefined;

/**
 * The block of this machine's processor, found out once: a graph for another one would compute wrong numbers and no error.
 * @throws StampedeError `engine.unavailable`
 */
export function blockOf(): Promise<Block | undefined> {
  known ??= probe();
  return known;
}

async function probe(): Promise<Block | undefined> {
  const ort = loadOrt();
  try {
    const session = await ort.InferenceSession.create(
      blockProbe(),
      sessionOptions({ threads: 1, spinning: false }, { kind: "predict", flops: 0 }),
    );
    try {
      const { y } = await session.run({ x: new ort.Tensor("float32", new Float32Array(4), [1, 4, 1, 1]) });
      const block = Block.safeParse(y?.dims[1]);
      return block.success ? block.data : undefined;
    } finally {
      await session.release();
    }
  } catch {
    // Not there on this processor: graphs without them are run.
    return undefined;
  }
}

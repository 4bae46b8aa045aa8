import { graphNameOf, StampedeError, type Compute, type GraphRequest } from "@stampede/core";
import { placeOf, readManifest, type GraphManifest } from "@stampede/graph/format";
import type * as Ort from "onnxruntime-node";
import { isOutOfMemory, outOfMemory } from "../out-of-memory.js";
import { fieldsKey } from "./fields-key.js";
import { loadOrt, sessionOptions } from "./ort.js";

export type Feeds = Record<string, Ort.Tensor>;
export type Results = Readonly<Record<string, Ort.Tensor>>;

/** A graph that is ready to run. */
export class LoadedGraph {
  readonly manifest: GraphManifest;
  readonly #session: Ort.InferenceSession;
  readonly #name: string;

  private constructor(name: string, manifest: GraphManifest, session: Ort.InferenceSession) {
    this.#name = name;
    this.manifest = manifest;
    this.#session = session;
  }

  /**
   * @throws StampedeError `graph.invalid` when the bytes are no graph, or one for something else than the request;
   *   `task.out-of-memory`
   */
  static async open(bytes: Uint8Array, request: GraphRequest, compute: Compute): Promise<LoadedGraph> {
    const name = graphNameOf(request);
    const manifest = readManifest(bytes, `the graph ${name}`);
    refuseOther(manifest, request, name);
    const session = await createSession(bytes, name, sessionOptions(compute, manifest));
    const graph = new LoadedGraph(name, manifest, session);
    try {
      graph.#refuseOtherPorts();
      return graph;
    } catch (error) {
      graph.close();
      throw error;
    }
  }

  /** @throws StampedeError `engine.failed`, `task.out-of-memory`, naming the layer whose node failed */
  async run(feeds: Feeds): Promise<Results> {
    try {
      return await this.#session.run(feeds);
    } catch (cause) {
      throw failed(this.#name, this.manifest, cause);
    }
  }

  close(): void {
    // Frees its memory at once; only the promise comes later. One that is closed twice says so, which nobody needs to know.
    this.#session.release().catch(() => undefined);
  }

  /** The manifest is what decides what is fed, so the file must want just that. */
  #refuseOtherPorts(): void {
    const { inputNames, outputNames } = this.#session;
    const known = inputsOf(this.manifest);
    const unknown = inputNames.find((name) => !known.has(name));
    if (unknown !== undefined) throw invalid(this.#name, `an input "${unknown}" that its manifest does not have`);
    const missing = outputsOf(this.manifest).find((name) => !outputNames.includes(name));
    if (missing !== undefined) throw invalid(this.#name, `no output "${missing}", which its manifest has`);
  }
}

/** For graphs that may still be opening. */
export async function closeWhenOpen(opening: Promise<LoadedGraph>): Promise<void> {
  try {
    (await opening).close();
  } catch {
    // It never opened; whoever asked for it has been told.
  }
}

function inputsOf({ variables, fields, draws, pools, anchors }: GraphManifest): ReadonlySet<string> {
  return new Set([
    ...variables.map(({ input }) => input),
    ...fields.map((_, index) => dataInput(index)),
    ...draws.map((_, index) => offsetInput(index)),
    ...pools.map(poolInput),
    ...anchors.map(anchorInput),
    "order",
    "lr",
  ]);
}

function outputsOf({ kind, variables, outputs }: GraphManifest): readonly string[] {
  return [
    ...variables.filter(({ isWritten }) => isWritten).map(({ input }) => stateOutput(input)),
    ...outputs.map((_, index) => (kind === "train" ? metricOutput(index) : plainOutput(index))),
  ];
}

export const dataInput = (index: number): string => `data/${index}`;
export const offsetInput = (draw: number): string => `offset/${draw}`;
export const poolInput = (distribution: string): string => `pool/${distribution}`;
export const anchorInput = (weight: string): string => `anchor/${weight}`;
export const stateOutput = (input: string): string => `out:${input}`;
export const metricOutput = (index: number): string => `metric/${index}`;
export const plainOutput = (index: number): string => `output/${index}`;

function refuseOther(manifest: GraphManifest, request: GraphRequest, name: string): void {
  refuseOtherBlock(manifest, request, name);
  const wanted = request.kind === "train" ? request.batchSize : undefined;
  if (manifest.kind !== request.kind || manifest.batchSize !== wanted) {
    const size = manifest.batchSize === undefined ? "" : ` for batches of ${manifest.batchSize}`;
    throw invalid(name, `one to ${manifest.kind}${size}`);
  }
  if (fieldsKey(manifest.fields) !== fieldsKey(request.fields)) {
    throw invalid(name, "one for data of other fields, types, shapes or encodings");
  }
}

/** onnxruntime would run it and compute something else. */
function refuseOtherBlock({ block }: GraphManifest, request: GraphRequest, name: string): void {
  const own = request.kind === "train" ? request.block : undefined;
  if (block === undefined || block === own) return;
  const found = own === undefined ? "runs without blocked kernels" : `has blocks of ${own}`;
  const message =
    `Expected the graph ${name} to be one that this processor runs, found one for blocks of ${block} channels, where it ${found}: ` +
    "it would compute wrong numbers. It was not run.";
  throw new StampedeError("graph.other-block", message, { details: { graph: name, block, ...(own && { own }) } });
}

async function createSession(
  bytes: Uint8Array,
  name: string,
  options: Ort.InferenceSession.SessionOptions,
): Promise<Ort.InferenceSession> {
  try {
    return await loadOrt().InferenceSession.create(bytes, options);
  } catch (cause) {
    if (isOutOfMemory(cause)) throw outOfMemory(`open the graph ${name}`, cause);
    throw invalid(name, `one that onnxruntime refuses: ${firstLine(cause)}`, cause);
  }
}

function invalid(name: string, found: string, cause?: unknown): StampedeError {
  const message = `Expected the graph ${name}, found ${found}. It was not run.`;
  return new StampedeError("graph.invalid", message, { details: { graph: name }, cause });
}

const failedNode = /while running (\w+) node\. Name:'(.*?)' Status Message:/g;

/** onnxruntime names the node that failed, and those around it; the names of nodes lead back to the layer. */
function failed(name: string, { places }: GraphManifest, cause: unknown): StampedeError {
  const reason = firstLine(cause);
  const nodes = [...reason.matchAll(failedNode)];
  const [, op = "", node = ""] = nodes.findLast(([, , each]) => each !== "") ?? nodes.at(-1) ?? [];
  const origin = placeOf(places, node);
  const place = op === "" ? "" : ` in ${origin === "" ? op : `${origin} (${op})`}`;
  if (isOutOfMemory(cause)) return outOfMemory(`run the graph ${name}${place}`, cause);
  const message = `Expected the graph ${name} to run, but it failed${place}: ${reason}. Nothing was changed.`;
  return new StampedeError("engine.failed", message, {
    details: { graph: name, ...(origin !== "" && { origin }) },
    cause,
  });
}

function firstLine(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.split("\n", 1)[0] ?? "";
}

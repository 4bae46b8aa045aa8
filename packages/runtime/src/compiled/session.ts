import {
  graphNameOf,
  isStampedeError,
  StampedeError,
  type Block,
  type Compute,
  type EngineSession,
  type Field,
  type GraphRequest,
  type GraphSource,
  type MetricStates,
  type ModelDefinition,
  type NamedTensors,
  type PartitionData,
  type RowRange,
  type Tensor,
  type TrainOutcome,
  type TrainRequest,
} from "@stampede/core";
import { readOptimizer } from "../config/optimizers.js";
import { refuseNonFinite } from "../engine/non-finite.js";
import { isOutOfMemory, outOfMemory } from "../out-of-memory.js";
import { BoundPrediction } from "./bound-prediction.js";
import { GraphData } from "./data.js";
import { fieldsKey } from "./fields-key.js";
import { closeWhenOpen, LoadedGraph } from "./graph.js";
import { emptyPredictions, evaluateRows, predictRows } from "./inference.js";
import { whyNotOwnKernels } from "./self-check.js";
import { ModelState, type StateLayout } from "./state.js";
import { batchMetrics, runsOf, stepFeeds } from "./training.js";

export interface SessionParts {
  readonly definition: ModelDefinition;
  readonly graphs: GraphSource;
  readonly compute: Compute;
  /** Of this machine's processor (`blockOf`); undefined for graphs that every processor runs. */
  readonly block?: Block | undefined;
  /** What the model's state looks like, where that is known without a graph. */
  readonly layout?: StateLayout | undefined;
  /** What is to be freed with the session. */
  readonly onClose?: () => void;
}

const bothRoles = ["feature", "label"] as const;

export class CompiledSession implements EngineSession {
  readonly #parts: SessionParts;
  readonly #state: ModelState;
  readonly #graphs = new Map<string, Promise<LoadedGraph>>();
  readonly #prediction: BoundPrediction;
  /** Requests wait for one another: each begins with the weights that the one before left. */
  #last: Promise<unknown> = Promise.resolve();
  #stage: "opened" | "loaded" | "closed" = "opened";
  /** Of the kernels that train. */
  #block: Block | undefined;
  #isChecked = false;
  /** Why they are not the processor's own. */
  #kernelReason: string | undefined;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#block = parts.block;
    this.#state = new ModelState(parts.definition, parts.layout);
    this.#prediction = new BoundPrediction(parts.graphs, parts.compute);
  }

  load(weights: NamedTensors, optimizer?: NamedTensors): Promise<void> {
    return this.#run("load", () => {
      this.#state.load(weights, optimizer);
      this.#stage = "loaded";
    });
  }

  train(request: TrainRequest): Promise<TrainOutcome> {
    return this.#run("train", async () => {
      const data = this.#data(request.data, bothRoles);
      const { settings } = readOptimizer(this.#parts.definition.training.optimizer_config);
      const batches: MetricStates[] = [];
      let values = this.#state.values;
      let examples = 0;
      let block: Block | undefined;
      for (const run of runsOf(request)) {
        const graph = await this.#trainingGraph(run.rows, data, request);
        block = graph.manifest.block;
        const state = this.#state.feeds(graph.manifest, values);
        const steps = stepFeeds(graph.manifest, run, request, Number(settings["learningRate"]));
        const results = await graph.run({ ...state, ...steps, ...data.feeds() });
        const metrics = batchMetrics(graph.manifest, run, results);
        refuseNonFinite(metrics, run.from, "What was trained in this call is lost");
        batches.push(...metrics);
        examples += (run.to - run.from) * run.rows;
        values = this.#state.after(graph.manifest, values, state, results);
      }
      // A session that was closed meanwhile holds nothing. All or nothing: a failure leaves the weights as they were.
      this.#refuse("train");
      this.#state.replace(values);
      const kernelReason = this.#kernelReason;
      return {
        examples,
        batches,
        ...(block !== undefined && { block }),
        ...(kernelReason !== undefined && { kernelReason }),
      };
    });
  }

  evaluate(range: RowRange): Promise<MetricStates> {
    return this.#run("evaluate", async () => {
      const data = this.#data(range.data, bothRoles);
      const graph = await this.#graph({ kind: "evaluate", fields: data.fields });
      const state = this.#state.feeds(graph.manifest, this.#state.values);
      return evaluateRows(graph, data, state, range, this.#parts.definition);
    });
  }

  predict(range: RowRange): Promise<readonly Tensor[]> {
    return this.#run("predict", async () => {
      const data = this.#data(range.data, ["feature"]);
      if (range.toRow <= range.fromRow) return emptyPredictions(this.#parts.definition);
      const { values } = this.#state;
      const graph = await this.#prediction.graph(data.fields, values, (manifest) =>
        this.#state.feeds(manifest, values),
      );
      return predictRows(graph, data, range);
    });
  }

  save(): Promise<{ readonly weights: NamedTensors; readonly optimizer: NamedTensors }> {
    return this.#run("save", () => this.#state.save());
  }

  close(): void {
    if (this.#stage === "closed") return;
    this.#stage = "closed";
    this.#state.clear();
    for (const opening of this.#graphs.values()) void closeWhenOpen(opening);
    this.#graphs.clear();
    this.#prediction.close();
    this.#parts.onClose?.();
  }

  #data(data: PartitionData, roles: readonly Field["role"][]): GraphData {
    return new GraphData(data, this.#parts.definition, roles);
  }

  /** With kernels of the processor's own only where these compute what they must, which is found out once. */
  async #trainingGraph(batchSize: number, data: GraphData, request: TrainRequest): Promise<LoadedGraph> {
    const graphFor = (block: Block | undefined): Promise<LoadedGraph> =>
      this.#graph({ kind: "train", batchSize, fields: data.fields, block });
    const graph = await graphFor(this.#block);
    const { block } = graph.manifest;
    const { selfCheckRows: rows } = this.#parts.compute;
    if (block === undefined || rows === undefined || this.#isChecked) return graph;
    const feeds = this.#state.feeds.bind(this.#state);
    const { values } = this.#state;
    this.#kernelReason = await whyNotOwnKernels({ ...this.#parts, block, rows, data, request, feeds, values });
    this.#isChecked = true;
    if (this.#kernelReason === undefined) return graph;
    this.#block = undefined;
    return graphFor(undefined);
  }

  /** Opened once for each kind, batch size and form of the data. */
  #graph(request: GraphRequest): Promise<LoadedGraph> {
    const key = `${graphNameOf(request)} ${fieldsKey(request.fields)}`;
    const known = this.#graphs.get(key);
    if (known !== undefined) return known;
    const opening = this.#open(request);
    this.#graphs.set(key, opening);
    opening.catch(() => this.#graphs.delete(key));
    return opening;
  }

  async #open(request: GraphRequest): Promise<LoadedGraph> {
    const { graphs, compute } = this.#parts;
    const graph = await LoadedGraph.open(await graphs.load(request), request, compute);
    if (this.#stage !== "closed") return graph;
    graph.close();
    throw new StampedeError("engine.failed", "Expected an open session to load a graph for, but it is closed.");
  }

  /** One after the other, with foreign errors under a code of ours. */
  #run<T>(what: "load" | "train" | "evaluate" | "predict" | "save", work: () => T | Promise<T>): Promise<T> {
    const result = this.#last.then(async () => {
      this.#refuse(what);
      try {
        return await work();
      } catch (cause) {
        if (isStampedeError(cause)) throw cause;
        if (isOutOfMemory(cause)) throw outOfMemory(what, cause);
        const reason = cause instanceof Error ? cause.message : String(cause);
        const message = `Expected the engine compiled to ${what}, but it failed: ${reason}. Nothing was changed.`;
        throw new StampedeError("engine.failed", message, { cause });
      }
    });
    this.#last = ended(result);
    return result;
  }

  #refuse(what: string): void {
    if (this.#stage === "loaded" || (this.#stage === "opened" && what === "load")) return;
    const found = this.#stage === "closed" ? "it is closed" : "no weights are loaded";
    throw new StampedeError("engine.failed", `Expected a loaded session to ${what}, but ${found}.`);
  }
}

/** Holds on to nothing, neither results nor errors. */
async function ended(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch {
    // Whoever asked for it has been told.
  }
}

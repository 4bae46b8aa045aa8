import { graphNameOf, type Compute, type Field, type GraphRequest, type GraphSource } from "@stampede/core";
import { bindInputs, readManifest, type BoundInput, type GraphManifest } from "@stampede/graph/format";
import { fieldsKey } from "./fields-key.js";
import { closeWhenOpen, LoadedGraph, type Feeds } from "./graph.js";

interface Bound {
  readonly key: string;
  /** The weights in it; others are other objects. */
  readonly weights: object;
  readonly graph: Promise<LoadedGraph>;
}

/**
 * The prediction graph with the session's weights inside, where onnxruntime prepares them once for its fastest kernels. Predicting is
 * done many times with the same weights; when they change the graph is opened anew.
 */
export class BoundPrediction {
  readonly #graphs: GraphSource;
  readonly #compute: Compute;
  #bound: Bound | undefined;

  constructor(graphs: GraphSource, compute: Compute) {
    this.#graphs = graphs;
    this.#compute = compute;
  }

  /**
   * @param weights what `feedsOf` takes them from; compared by identity
   * @param feedsOf the values of a graph's variables
   */
  graph(fields: readonly Field[], weights: object, feedsOf: (manifest: GraphManifest) => Feeds): Promise<LoadedGraph> {
    const key = fieldsKey(fields);
    if (this.#bound?.weights === weights && this.#bound.key === key) return this.#bound.graph;
    this.close();
    const graph = this.#open({ kind: "predict", fields }, feedsOf);
    const bound = { key, weights, graph };
    this.#bound = bound;
    graph.catch(() => {
      if (this.#bound === bound) this.#bound = undefined;
    });
    return graph;
  }

  close(): void {
    const opening = this.#bound?.graph;
    this.#bound = undefined;
    if (opening !== undefined) void closeWhenOpen(opening);
  }

  async #open(request: GraphRequest, feedsOf: (manifest: GraphManifest) => Feeds): Promise<LoadedGraph> {
    const bytes = await this.#graphs.load(request);
    const place = `the graph ${graphNameOf(request)}`;
    const weights = new Map<string, BoundInput>();
    for (const [input, { dims, data }] of Object.entries(feedsOf(readManifest(bytes, place)))) {
      if (data instanceof Float32Array) weights.set(input, { dtype: "float32", shape: dims, data });
      else if (data instanceof Int32Array) weights.set(input, { dtype: "int32", shape: dims, data });
    }
    return LoadedGraph.open(bindInputs(bytes, weights, place), request, this.#compute);
  }
}

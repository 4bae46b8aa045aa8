import {
  graphNameOf,
  graphNamesFor,
  keys,
  readObject,
  sha256Hex,
  StampedeError,
  type GraphClaim,
  type GraphSource,
  type JobSpec,
  type ObjectStore,
} from "@stampede/core";

/** The graphs that were compiled when the job was submitted. What is loaded is what the spec says, to the bit. */
export function storedGraphs({ job, graphs = [] }: JobSpec, store: ObjectStore): GraphSource {
  return {
    async load(request) {
      const names = graphNamesFor(request);
      const claim = names.map((name) => graphs.find((each) => each.name === name)).find((each) => each !== undefined);
      const key = keys.graph(job, claim?.name ?? graphNameOf(request));
      if (claim === undefined) {
        const known = graphs.map((each) => each.name).join(", ");
        throw invalid(key, "the job's spec to claim it", known === "" ? "no graphs there" : `only ${known}`);
      }
      const read = await readObject(store, key, (body) => claimed(body, claim, key));
      if (read === undefined) throw invalid(key, "it in the store", "no such object");
      return read.value;
    },
  };
}

function claimed(body: Uint8Array, claim: GraphClaim, key: string): Uint8Array {
  if (body.length !== claim.bytes) throw invalid(key, `${claim.bytes} bytes`, `${body.length}`);
  const sha256 = sha256Hex(body);
  if (sha256 !== claim.sha256) throw invalid(key, `bytes with SHA-256 ${claim.sha256}`, sha256);
  return body;
}

function invalid(key: string, expected: string, found: string): StampedeError {
  const message = `Expected the compiled graph ${key} to be whole: ${expected}; found ${found}. It was not run.`;
  return new StampedeError("graph.invalid", message, { details: { key } });
}

import type { App } from "./evaluate.js";
import type { Resource } from "./record.js";

/** What `synth-process` writes. */
export interface Synthesised {
  readonly app: App;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly resources: readonly Resource[];
}

type Inputs = Readonly<Record<string, unknown>>;
type Which = (resource: Resource) => boolean;

/** The resources of one stage, and questions about them. Resources are named by what they are called in the program. */
export class Graph implements Synthesised {
  readonly app: App;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly resources: readonly Resource[];

  constructor({ app, outputs, resources }: Synthesised) {
    this.app = app;
    this.outputs = outputs;
    this.resources = resources;
  }

  /** @param type without its provider's file: `aws:sqs:Queue` stands for `aws:sqs/queue:Queue` */
  all(type: string): readonly Resource[] {
    return this.resources.filter((resource) => shortType(resource) === type);
  }

  /** @throws Error when no resource of that type has that ARN */
  byArn(type: string, arn: unknown): Resource {
    const found = this.all(type).find(({ outputs }) => outputs["arn"] === arn);
    if (found === undefined) throw new Error(`expected a ${type} with the ARN ${JSON.stringify(arn)}, found none`);
    return found;
  }

  /** How many there are of each type. */
  counts(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const resource of this.resources) counts[shortType(resource)] = (counts[shortType(resource)] ?? 0) + 1;
    return counts;
  }

  /**
   * The same with other inputs of some resources.
   * @throws Error when there is none of them: then nothing would be violated
   */
  changed(type: string, change: (inputs: Inputs, resource: Resource) => Inputs, which: Which = () => true): Graph {
    this.#expect(type, which);
    return this.#with(
      this.resources.map((resource) =>
        shortType(resource) === type && which(resource)
          ? { ...resource, inputs: change(resource.inputs, resource) }
          : resource,
      ),
    );
  }

  without(type: string, which: Which = () => true): Graph {
    this.#expect(type, which);
    return this.#with(this.resources.filter((resource) => !(shortType(resource) === type && which(resource))));
  }

  /** @param type as in {@link all} */
  and(type: string, inputs: Inputs): Graph {
    const name = "Added";
    const resource = { urn: name, type, name, parent: undefined, protect: false, retainOnDelete: false, inputs };
    return this.#with([...this.resources, { ...resource, outputs: inputs }]);
  }

  /** The same with another text in place of some, wherever it stands. */
  rewritten(rewrite: (text: string) => string): Graph {
    const text = JSON.stringify(this.resources);
    if (rewrite(text) === text) throw new Error("expected something to rewrite, found nothing");
    return this.#with(JSON.parse(rewrite(text)) as readonly Resource[]);
  }

  /** The same of an app that is set up otherwise. */
  ofApp(change: Partial<App>): Graph {
    return new Graph({ app: { ...this.app, ...change }, outputs: this.outputs, resources: this.resources });
  }

  #with(resources: readonly Resource[]): Graph {
    return new Graph({ app: this.app, outputs: this.outputs, resources });
  }

  #expect(type: string, which: Which): void {
    if (!this.all(type).some(which)) throw new Error(`expected a ${type} to change, found none`);
  }
}

function shortType({ type }: Resource): string {
  return type.replace(/^(\w+):(\w+)\/\w+:/, "$1:$2:");
}

import { deserializeProperties, MockMonitor, pulumi, type RegisterRequest, type RegisterResponse } from "./pulumi.js";

/** One resource of the program, as Pulumi's engine would be asked for it. */
export interface Resource {
  readonly urn: string;
  readonly type: string;
  /** In the program; what it is called in AWS is among its inputs. */
  readonly name: string;
  readonly parent: string | undefined;
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** What the inputs and AWS together make of it: ARN, URL. */
  outputs: Readonly<Record<string, unknown>>;
}

/** Sees everything that the program registers. */
export function recordResources(): readonly Resource[] {
  const resources: Resource[] = [];
  const { prototype } = MockMonitor;
  // Links take their kind from the URN, in which the mock's names the stack and the engine's does not.
  prototype.newUrn = (parent, type, name) => {
    const parentType = parent.split("::")[2] ?? "";
    const isInStack = parentType === "" || parentType === "pulumi:pulumi:Stack";
    return ["urn:pulumi:stage", "app", isInStack ? type : `${parentType}$${type}`, name].join("::");
  };
  const register = prototype.registerResource;
  prototype.registerResource = function registerAndRecord(request, callback) {
    const resource = resourceOf(request, this.newUrn(request.getParent(), request.getType(), request.getName()));
    // As the engine would.
    if (resources.some(({ urn }) => urn === resource.urn)) {
      callback(new Error(`Duplicate resource URN '${resource.urn}'`));
      return undefined;
    }
    resources.push(resource);
    return register.call(this, request, (error, response) => {
      if (error === null) {
        const registered = response as RegisterResponse;
        const state = plain(registered.getObject().toJavaScript());
        resource.outputs = { ...(state as object), id: registered.getId() };
      }
      callback(error, response);
    });
  };
  return resources;
}

function resourceOf(request: RegisterRequest, urn: string): Resource {
  return {
    urn,
    type: request.getType(),
    name: request.getName(),
    parent: request.getParent() === "" ? undefined : request.getParent(),
    protect: request.getProtect(),
    retainOnDelete: request.getRetainondelete(),
    inputs: plain(deserializeProperties(request.getObject())) as Resource["inputs"],
    outputs: {},
  };
}

/** How Pulumi marks what is secret. */
const secretKey = "4dabf18193072939515e22adb298388d";
const secretMark = "1b47061264138c4ac30d75fd1eb44270";

/** Data only: secrets unwrapped (they are made up), files as their paths. */
export function plain(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  const { Archive, Asset } = pulumi.asset;
  if (Asset.isInstance(value) || Archive.isInstance(value)) return pathOf(value.path);
  const fields = value as Readonly<Record<string, unknown>>;
  if (fields[secretKey] === secretMark) return plain(fields["value"]);
  return Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, plain(field)]));
}

/** Known a little later, and before the program has ended. */
function pathOf(path: unknown): { readonly path: string } {
  const found = { path: "" };
  void Promise.resolve(path).then((known) => (found.path = String(known)));
  return found;
}

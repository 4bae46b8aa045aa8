import { createRequire } from "node:module";
import { join } from "node:path";
import { platform } from "./paths.js";

/**
 * What the harness uses of Pulumi's SDK. It comes from the platform's `node_modules`, so that the program that is evaluated and the
 * harness share one instance; its types are not there before `sst install`, and are told here.
 */
type Callback = (error: Error | null, response?: unknown) => void;

export interface MockResourceArgs {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly id?: string;
  readonly custom?: boolean;
}

export interface MockCallArgs {
  readonly token: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

export interface Mocks {
  readonly newResource: (args: MockResourceArgs) => {
    readonly id: string | undefined;
    readonly state: Readonly<Record<string, unknown>>;
  };
  readonly call: (args: MockCallArgs) => Readonly<Record<string, unknown>>;
}

/** A message of gRPC. */
export interface RegisterRequest {
  getType(): string;
  getName(): string;
  getParent(): string;
  getCustom(): boolean;
  getObject(): unknown;
  getProtect(): boolean;
  getRetainondelete(): boolean;
}

export interface RegisterResponse {
  getId(): string;
  getObject(): { toJavaScript(): unknown };
}

export interface MockMonitor {
  newUrn(parent: string, type: string, name: string): string;
  registerResource(request: RegisterRequest, callback: Callback): unknown;
}

interface Asset {
  readonly path?: unknown;
}

interface Pulumi {
  readonly asset: { readonly Asset: TypeGuard<Asset>; readonly Archive: TypeGuard<Asset> };
  readonly runtime: {
    setAllConfig(config: Readonly<Record<string, string>>, secretKeys: readonly string[]): void;
    setMocks(mocks: Mocks, project: string, stack: string, preview: boolean, organization: string): Promise<void>;
    runInPulumiStack(program: () => Promise<unknown>): Promise<unknown>;
  };
}

interface TypeGuard<T> {
  isInstance(value: unknown): value is T;
}

const require = createRequire(join(platform, "package.json"));

export const pulumi = require("@pulumi/pulumi") as Pulumi;
export const { MockMonitor } = require("@pulumi/pulumi/runtime/mocks") as {
  readonly MockMonitor: { readonly prototype: MockMonitor };
};
export const { deserializeProperties } = require("@pulumi/pulumi/runtime/rpc") as {
  deserializeProperties(message: unknown): unknown;
};

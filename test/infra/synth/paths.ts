import { join } from "node:path";

export const root = join(import.meta.dirname, "../../..");
/** Where the `sst` command keeps what it downloads and builds; git-ignored. */
export const workFolder = join(root, ".sst");
/** SST's own sources, and the Pulumi SDK in their `node_modules`: there after `sst install`. */
export const platform = join(workFolder, "platform");
export const configFile = join(root, "sst.config.ts");

/** Made-up: no account has it. */
export const account = "123456789012";
export const region = "us-east-1";

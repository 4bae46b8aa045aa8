import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

/**
 * Builds what is deployed, in a process of its own: SST evaluates this file from a copy elsewhere, with another esbuild.
 * @returns a folder of this stage alone, with one folder for each function and the Batch container: SST adds to them
 */
export async function bundles(): Promise<string> {
  const { root, work } = $cli.paths;
  const folder = join(work, "bundles", $app.stage);
  await promisify(execFile)(process.execPath, ["--import", "tsx", join(root, "infra/build-process.ts"), folder], {
    cwd: root,
  });
  return folder;
}

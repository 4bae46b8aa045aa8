import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { root, workFolder } from "./synth/paths.js";

const run = promisify(execFile);
const config = join(root, "infra/sst/tsconfig.json");

/** With the types that `sst install` brought; `npm run check` cannot, because it works without them. */
async function check(project: string): Promise<void> {
  await run(join(root, "node_modules/.bin/tsc"), ["-p", project], { cwd: root });
}

describe("the types of SST and its providers", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(workFolder, "types-"));
    return () => rm(folder, { recursive: true });
  });

  it("fit the configuration and all resources", async () => {
    await expect(check(config)).resolves.toBeUndefined();
  });

  it("refuse what no function has", async () => {
    const file = join(folder, "wrong.ts");
    const wrong = 'export const wrong = new sst.aws.Function("Wrong", { handler: "a.b", memory: "3 GBB" });\n';
    await writeFile(file, `/// <reference path="../platform/config.d.ts" />\n${wrong}`);
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ extends: config, include: [file] }));
    await expect(check(folder)).rejects.toMatchObject({ stdout: expect.stringContaining("3 GBB") });
  });
});

import { join } from "node:path";
import { build } from "esbuild";
import { zipSync, type Zippable } from "fflate";

/** What the emulator starts: the Node.js of the function's environment, with nearly all of the function's memory. */
const bootstrap = `#!/bin/sh
export ORT_DISABLE_TELEMETRY=1
exec "$NODE_BIN" --max-old-space-size=$((AWS_LAMBDA_FUNCTION_MEMORY_SIZE * 9 / 10)) "$LAMBDA_TASK_ROOT/runtime.mjs"
`;

/** A function's files as the zip that `provided.al2023` wants: with a program `bootstrap` that speaks to the Runtime API. */
export async function zipWithRuntime(files: Readonly<Record<string, Uint8Array>>): Promise<Uint8Array> {
  const executable = { os: 3, attrs: (0o755 << 16) >>> 0 } as const;
  const all: Zippable = {
    ...files,
    bootstrap: [Buffer.from(bootstrap), executable],
    "runtime.mjs": await bundleRuntime(),
  };
  return zipSync(all, { level: 6 });
}

async function bundleRuntime(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, "runtime/loop.ts")],
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "node20",
    logLevel: "error",
  });
  return outputFiles[0]?.contents ?? new Uint8Array();
}

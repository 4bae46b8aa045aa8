import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import * as z from "zod";
import { Refusal } from "../measure.js";
import { mnistFolder } from "../mnist.js";
import { withFolder } from "../temporary.js";

export const elephasModes = ["synchronous", "asynchronous", "hogwild"] as const;
export type ElephasMode = (typeof elephasModes)[number];
export const elephasChannels = ["http", "socket"] as const;
export type ElephasChannel = (typeof elephasChannels)[number];

export interface ElephasOptions {
  readonly workers: number;
  readonly epochs: number;
  readonly mode: ElephasMode;
  /** How the asynchronous modes reach the parameter server. */
  readonly channel: ElephasChannel;
}

const ElephasRun = z.strictObject({
  fitSeconds: z.number(),
  /** From the start of the process to the trained model. */
  totalSeconds: z.number(),
  accuracy: z.number(),
});
export type ElephasRun = z.infer<typeof ElephasRun>;

const keptErrorLines = 30;

/** Trains the same model on the same files with Elephas on Spark local[workers], in a process of its own. */
export function runElephas(python: string, options: ElephasOptions): Promise<ElephasRun> {
  return withFolder(async (folder) => {
    const { workers, epochs, mode, channel } = options;
    const port = await freePort();
    const settings = { data: mnistFolder(), workers, epochs, mode, channel, port, "started-at": Date.now() / 1000 };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const child = spawn(python, [join(import.meta.dirname, "train.py"), ...args], {
      cwd: folder,
      env: {
        ...process.env,
        PYSPARK_PYTHON: python,
        PYSPARK_DRIVER_PYTHON: python,
        SPARK_LOCAL_IP: "127.0.0.1",
        SPARK_LOCAL_DIRS: folder,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const out: string[] = [];
    const errors: string[] = [];
    child.stdout.setEncoding("utf8").on("data", (text: string) => out.push(text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => errors.push(text));
    const code = await new Promise<number | null>((resolve, reject) =>
      child.once("error", reject).once("close", resolve),
    );
    if (code === 0) return ElephasRun.parse(JSON.parse(out.join("")));
    const last = errors.join("").split("\n").slice(-keptErrorLines).join("\n");
    throw new Refusal(`Elephas ended with exit code ${code}:\n${last}`);
  });
}

/** Elephas' parameter server wants a port by number. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = address !== null && typeof address === "object" ? address.port : 4000;
      server.close(() => resolve(port));
    });
  });
}

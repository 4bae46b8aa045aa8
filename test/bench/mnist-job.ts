import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { JobEvent } from "@stampede/core";
import { Refusal } from "./measure.js";
import { mnistJobFile } from "./mnist.js";
import { repository } from "./report.js";
import { withFolder } from "./temporary.js";

export interface MnistJobOptions {
  readonly executors: number;
  readonly epochs: number;
}

/** What the process is given beyond the command. */
interface Hooks {
  /** A module that is loaded first, in the process and in its threads. */
  readonly imports?: string;
  readonly env?: Readonly<Record<string, string>>;
}

type Event<Name extends JobEvent["event"]> = Extract<JobEvent, { event: Name }>;

/** One whole run of the command, seen from outside. */
export interface MnistJobRun {
  /** From the start of the process until it said that the trained model is saved. */
  readonly startToTrainedSeconds: number;
  readonly submitted: Event<"job.submitted">;
  readonly data: readonly Event<"data.ready">[];
  readonly rounds: readonly Event<"round.finished">[];
  readonly succeeded: Event<"job.succeeded">;
  /** The most memory the process ever held, all executor threads included; undefined where the system does not tell. */
  readonly peakRssBytes: number | undefined;
}

const memorySampleMs = 100;

/** Trains MNIST with the real command in a process of its own and an empty store. */
export function runMnistJob(options: MnistJobOptions, hooks: Hooks = {}): Promise<MnistJobRun> {
  return withFolder(async (folder) => {
    const began = performance.now();
    const child = spawn(process.execPath, [...importsOf(hooks), ...commandLine(options, folder)], {
      cwd: folder,
      env: { ...process.env, ...hooks.env, STAMPEDE_HOME: join(folder, "home") },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const ended = new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
    const words: string[] = [];
    child.stderr.setEncoding("utf8").on("data", (text: string) => words.push(text));
    let peakRssBytes = peakRssOf(child.pid);
    const sample = (): void => {
      peakRssBytes = peakRssOf(child.pid) ?? peakRssBytes;
    };
    const timer = setInterval(sample, memorySampleMs);
    const events: JobEvent[] = [];
    let startToTrainedSeconds = 0;
    try {
      for await (const line of createInterface({ input: child.stdout })) {
        const event = JobEvent.parse(JSON.parse(line));
        if (event.event === "job.succeeded") startToTrainedSeconds = (performance.now() - began) / 1000;
        sample();
        events.push(event);
      }
      const code = await ended;
      if (code !== 0) throw new Refusal(`stampede train ended with exit code ${code}:\n${words.join("")}`);
    } finally {
      clearInterval(timer);
      child.kill("SIGKILL");
    }
    return { startToTrainedSeconds, peakRssBytes, ...sorted(events) };
  });
}

function importsOf({ imports }: Hooks): string[] {
  return imports === undefined ? [] : ["--import", imports];
}

function commandLine({ executors, epochs }: MnistJobOptions, folder: string): string[] {
  const command = join(repository, "packages/cli/bin/stampede.js");
  const settings = ["--executors", String(executors), "--set", `training.epochs=${epochs}`];
  return [command, "train", mnistJobFile, ...settings, "--out", join(folder, "out"), "--json"];
}

function sorted(events: readonly JobEvent[]): Pick<MnistJobRun, "submitted" | "data" | "rounds" | "succeeded"> {
  const submitted = events.find((event) => event.event === "job.submitted");
  const succeeded = events.find((event) => event.event === "job.succeeded");
  if (submitted === undefined || succeeded === undefined) {
    throw new Refusal("Expected the events job.submitted and job.succeeded of stampede train --json, found them not.");
  }
  const data = events.filter((event) => event.event === "data.ready");
  const rounds = events.filter((event) => event.event === "round.finished");
  return { submitted, data, rounds, succeeded };
}

/** VmHWM is kept by Linux alone: https://man7.org/linux/man-pages/man5/proc_pid_status.5.html */
function peakRssOf(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined;
  try {
    const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
  } catch {
    return undefined;
  }
}

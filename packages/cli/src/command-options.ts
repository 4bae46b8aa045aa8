import { Option } from "commander";
import type { ExitCode } from "./exit-code.js";

/** Takes what is to be done once the whole command line is read. Each command loads what it needs then, so that `--help` is there at once. */
export type Choose = (act: () => Promise<ExitCode>) => void;

export function examples(...commands: string[]): string {
  return `\nExamples:\n${commands.map((command) => `  $ ${command}`).join("\n")}`;
}

export const jsonOption = ["--json", "JSON lines on stdout, as in a pipe"] as const;

export function clusterOption(what = "where the job runs"): Option {
  return new Option(
    "--cluster <local|aws|URL>",
    `${what}: this machine, AWS, or an endpoint such as http://127.0.0.1:4747 with STAMPEDE_TOKEN (default: STAMPEDE_CLUSTER, else local)`,
  );
}

export function isolationOption(): Option {
  const why =
    "in a process its native memory is measured, and its crash takes no other with it; takes 0.15 s to start and 70 MB more each";
  return new Option("--isolation <thread|process>", `what each executor runs in: ${why} (default: thread)`);
}

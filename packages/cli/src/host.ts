import picocolors from "picocolors";

/** A stream that text goes to: `process.stdout`, or a list of strings in a test. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

/** The process as the command sees it. */
export interface Host {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `listener` for every SIGINT and SIGTERM until the returned function is called. */
  onInterrupt(listener: () => void): () => void;
  /** Calls `listener` when the reader of stdout has gone away. */
  onClosedOutput(listener: () => void): () => void;
  /** Calls `listener` when the process ends, however it does. */
  onExit(listener: () => void): () => void;
  /** Ends the process at once. */
  exit(code: number): void;
  /** Ends the process as an interrupt does to one that does not listen: also in the middle of native code. */
  die(): void;
}

export type Colors = ReturnType<typeof picocolors.createColors>;

/** https://no-color.org and https://force-color.org; else colours where a terminal understands them. */
export function colorsFor(output: Output, env: Host["env"]): Colors {
  const forced = env["FORCE_COLOR"] !== undefined && env["FORCE_COLOR"] !== "" && env["FORCE_COLOR"] !== "0";
  const refused = env["NO_COLOR"] !== undefined && env["NO_COLOR"] !== "";
  return picocolors.createColors(!refused && (forced || (output.isTTY === true && env["TERM"] !== "dumb")));
}

/** False only where the locale says that the terminal does not speak UTF-8. */
export function speaksUnicode(env: Host["env"]): boolean {
  const locale = [env["LC_ALL"], env["LC_CTYPE"], env["LANG"]].find((value) => value !== undefined && value !== "");
  return locale === undefined || /utf-?8/i.test(locale);
}

/** How the command speaks on stdout: JSON lines for programs, or text for a person at a terminal. */
export type Voice = "json" | "live" | "plain";

/** Below this a line of the live view would lose its figures. */
const minColumns = 40;
const minRows = 6;

export function voiceFor(host: Pick<Host, "stdout" | "env">, json: boolean): Voice {
  const { stdout, env } = host;
  if (json || stdout.isTTY !== true) return "json";
  const tooSmall = (stdout.columns ?? 80) < minColumns || (stdout.rows ?? 24) < minRows;
  return tooSmall || env["TERM"] === "dumb" ? "plain" : "live";
}

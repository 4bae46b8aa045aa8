/** What the process says to its caller. */
export const exitCode = {
  done: 0,
  failed: 1,
  /** The input was at fault; nothing was started. */
  badInput: 2,
  /** By Ctrl-C or SIGTERM; a job that had begun can be resumed. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

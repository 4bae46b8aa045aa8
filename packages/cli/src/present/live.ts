import type { Colors } from "../host.js";
import { stageProgress, taskProgress, timeLeft, type ExecutorView, type JobView, type RoundView } from "./job-view.js";
import { kernelNames } from "./kernels.js";
import * as text from "./text.js";

export interface Frame {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly columns: number;
  readonly rows: number;
  readonly colors: Colors;
  readonly unicode: boolean;
  /** Of the whole job, where it is known: an epoch can be several rounds, or part of one. */
  readonly epochs: number | undefined;
}

/** Rounds kept in sight when there is room. */
const shownRounds = 5;

/** The live view: a header, the last rounds, and a line for each executor; never more than fits the terminal. */
export function liveLines(view: JobView, frame: Frame): string[] {
  const room = Math.max(1, frame.rows - 1);
  const lines = [header(view, frame)];
  const executors = executorLines(view, frame, room - 1);
  const rounds = view.recent.slice(-Math.min(shownRounds, Math.max(0, room - 1 - executors.length)));
  lines.push(...roundLines(rounds, frame), ...executors);
  return lines.slice(0, room).map((line) => text.cut(line, frame.columns - 1));
}

/** What stays on the screen when the job is over: the last rounds. */
export function closingLines(view: JobView, frame: Frame): string[] {
  const rounds = view.recent.slice(-Math.max(1, Math.min(2 * shownRounds, frame.rows - 2)));
  return roundLines(rounds, frame).map((line) => text.cut(line, frame.columns - 1));
}

function header(view: JobView, frame: Frame): string {
  const { colors } = frame;
  const elapsed = `${text.duration(frame.now - view.startedAt)} elapsed`;
  const { submitted } = view;
  if (submitted === undefined) return `${colors.bold("preparing")}  ${preparing(view)}  ${elapsed}`;
  const left = timeLeft(view, frame.now);
  const parts = [
    colors.bold(submitted.job),
    phase(view, frame),
    ...troubles(view).map((trouble) => colors.yellow(trouble)),
    elapsed,
    ...(left === undefined ? [] : [`about ${text.duration(left)} left`]),
  ];
  return parts.join(separator(frame));
}

function troubles({ failures, retries, backups, kernels }: JobView): readonly string[] {
  return [
    ...(kernels.reason === undefined ? [] : ["without blocked kernels, which are wrong here"]),
    ...(kernels.kinds.size < 2 ? [] : [`mixed processors (${kernelNames(kernels.kinds)})`]),
    ...(failures === 0 ? [] : [text.counted(failures, "failed attempt")]),
    ...(retries === 0 ? [] : [text.counted(retries, "retry", "retries")]),
    ...(backups === 0 ? [] : [text.counted(backups, "backup")]),
  ];
}

function preparing(view: JobView): string {
  const last = view.data.at(-1);
  return last === undefined ? "model and data" : `${last.set} data: ${text.counted(last.rows, "row")}`;
}

function phase(view: JobView, frame: Frame): string {
  const { stage, rounds } = view;
  if (stage === undefined) return "starting";
  if (stage.kind === "predict") return "predicting";
  if (stage.kind === "evaluate") return "evaluating";
  const round = `round ${stage.round}/${rounds}`;
  return frame.epochs === undefined ? round : `${round}, epoch ${epochOf(view, frame.epochs)}/${frame.epochs}`;
}

function epochOf(view: JobView, epochs: number): number {
  const done = ((view.stage?.round ?? 1) - 1 + stageProgress(view)) / Math.max(1, view.rounds);
  return Math.min(epochs, Math.floor(done * epochs + 1e-9) + 1);
}

function roundLines(rounds: readonly RoundView[], frame: Frame): string[] {
  const digits = String(rounds.at(-1)?.round ?? 0).length;
  return rounds.map((round) => {
    const validation =
      round.validation === undefined ? "" : `${separator(frame)}validation ${text.metrics(round.validation, " ")}`;
    const label = `round ${String(round.round).padStart(digits)}`;
    return frame.colors.dim(
      `  ${label}  ${text.metrics(round.metrics, "  ")}${validation}${separator(frame)}${text.duration(round.wallMs)}`,
    );
  });
}

function executorLines(view: JobView, frame: Frame, room: number): string[] {
  if (view.stage === undefined || room < 1) return [];
  if (view.executors.length > room) return [allExecutors(view, frame)];
  const digits = String(view.executors.length - 1).length;
  return view.executors.map((task, index) => executorLine(task, String(index).padStart(digits), frame));
}

function executorLine(task: ExecutorView, index: string, frame: Frame): string {
  const { colors } = frame;
  const progress = taskProgress(task);
  const states = {
    waiting: colors.dim("waiting"),
    running: percent(progress),
    done: colors.green(percent(1)),
    failed: colors.red("failed"),
  };
  return [
    `  executor ${index} `,
    bar(progress, barColumns(frame), frame),
    ` ${states[task.status]}`,
    ...(task.isBackup ? [colors.yellow("  backup")] : []),
    ...(task.attempt > 1 && !task.isBackup ? [colors.yellow(`  attempt ${task.attempt}`)] : []),
    ...figures(task.examplesPerSecond, task.metrics),
  ].join("");
}

function allExecutors(view: JobView, frame: Frame): string {
  const { executors } = view;
  const number = (status: ExecutorView["status"]): number => executors.filter((task) => task.status === status).length;
  const backups = executors.filter((task) => task.isBackup).length;
  const retried = executors.filter((task) => task.attempt > 1 && !task.isBackup).length;
  let rate = 0;
  for (const task of executors) if (task.status === "running") rate += task.examplesPerSecond;
  const progress = stageProgress(view);
  return [
    `  ${text.count(executors.length)} executors `,
    bar(progress, barColumns(frame), frame),
    ` ${percent(progress)}`,
    ...figures(rate, meanMetrics(executors)),
    `  ${number("done")} done, ${number("running")} running`,
    ...(retried === 0 ? [] : [`, ${retried} tried again`]),
    ...(backups === 0 ? [] : [`, ${text.counted(backups, "backup")}`]),
  ].join("");
}

/** Weighted by the examples behind each; a picture of the moment, not a result. */
function meanMetrics(executors: readonly ExecutorView[]): Record<string, number> {
  const sums = new Map<string, { sum: number; weight: number }>();
  for (const task of executors) {
    for (const [name, value] of Object.entries(task.metrics)) {
      const entry = sums.get(name) ?? { sum: 0, weight: 0 };
      sums.set(name, { sum: entry.sum + value * task.examples, weight: entry.weight + task.examples });
    }
  }
  return Object.fromEntries([...sums].map(([name, { sum, weight }]) => [name, weight === 0 ? 0 : sum / weight]));
}

function figures(examplesPerSecond: number, metrics: Readonly<Record<string, number>>): string[] {
  const rate = examplesPerSecond > 0 ? `  ${text.count(examplesPerSecond).padStart(7)} samples/s` : "";
  const shown = Object.fromEntries(text.lossFirst(metrics).slice(0, 2));
  return [rate, Object.keys(shown).length === 0 ? "" : `  ${text.metrics(shown, "  ")}`];
}

function bar(progress: number, columns: number, { colors, unicode }: Frame): string {
  const full = Math.round(progress * columns);
  const [done, open] = unicode ? ["\u2588", "\u2591"] : ["#", "."];
  return colors.cyan(done.repeat(full)) + colors.dim(open.repeat(columns - full));
}

/** What the figures beside it leave over. */
function barColumns(frame: Frame): number {
  return Math.max(5, Math.min(24, frame.columns - 70));
}

function percent(progress: number): string {
  return `${String(Math.floor(progress * 100)).padStart(3)}%`;
}

function separator({ unicode }: Frame): string {
  return unicode ? " \u00B7 " : " - ";
}

import type { JobSucceeded } from "@stampede/client";
import type { JobView } from "./job-view.js";
import { kernelsAfter, wordsOnKernels } from "./kernels.js";
import * as text from "./text.js";

/** Where the validation metrics come from decides what they are called. */
export type ValidationName = "Test" | "Validation";

/** What a person is told when training has ended. Paths are relative to the current folder where that is shorter. */
export function trainSummary(
  view: JobView,
  outcome: JobSucceeded,
  options: { readonly validationName: ValidationName; readonly path: (path: string) => string },
): string[] {
  const { metrics, validation, rounds, executors, wallMs, computeMs, weightsSha256, modelPath } = outcome;
  const model = modelPath === undefined ? undefined : options.path(modelPath);
  return [
    ...(validation === undefined ? [] : [scoreLine(options.validationName, validation, validationRows(view))]),
    `Training: ${text.metrics(metrics)}`,
    `${text.counted(rounds, "round")} on ${text.counted(executors, "executor")} in ${text.duration(wallMs)} (${text.duration(computeMs)} of computing)${startedAgain(view)}`,
    ...wordsOnKernels(kernelsAfter(view.kernels, outcome)),
    ...(weightsSha256 === undefined ? [] : [`Weights sha256 ${weightsSha256.slice(0, 12)}`]),
    ...(model === undefined ? [] : [`Model: ${model}`, ...nextCommands(model)]),
  ];
}

export function evaluateSummary(view: JobView, outcome: JobSucceeded): string[] {
  return [scoreLine("Test", outcome.metrics, rowsOf(view, "evaluate")), took(outcome)];
}

export function predictSummary(
  view: JobView,
  outcome: JobSucceeded,
  options: { readonly path: (path: string) => string },
): string[] {
  const rows = rowsOf(view, "predict");
  const path = outcome.outputPath === undefined ? "" : ` in ${options.path(outcome.outputPath)}`;
  return [`${rows === undefined ? "Predictions" : text.counted(rows, "prediction")}${path}`, took(outcome)];
}

/** `Test accuracy 0.9744 (10,000 rows), loss 0.0871` */
function scoreLine(name: string, metrics: Readonly<Record<string, number>>, rows: number | undefined): string {
  const first = text.headline(metrics);
  if (first === undefined) return `${name}: no metrics`;
  const rest = Object.fromEntries(Object.entries(metrics).filter(([other]) => other !== first[0]));
  const others = Object.keys(rest).length === 0 ? "" : `, ${text.metrics(rest)}`;
  const size = rows === undefined ? "" : ` (${text.counted(rows, "row")})`;
  return `${name} ${text.printable(first[0])} ${text.metric(first[1])}${size}${others}`;
}

function startedAgain({ retries, backups }: JobView): string {
  const parts = [
    ...(retries === 0 ? [] : [text.counted(retries, "retry", "retries")]),
    ...(backups === 0 ? [] : [text.counted(backups, "backup")]),
  ];
  return parts.length === 0 ? "" : `, ${parts.join(", ")}`;
}

function validationRows(view: JobView): number | undefined {
  return rowsOf(view, "validation");
}

function rowsOf(view: JobView, set: "validation" | "evaluate" | "predict"): number | undefined {
  return view.data.find((data) => data.set === set)?.rows;
}

function took({ executors, wallMs }: JobSucceeded): string {
  return `${text.counted(executors, "executor")}, ${text.duration(wallMs)}`;
}

function nextCommands(model: string): string[] {
  const folder = text.shellWord(model);
  return [
    `Next: stampede evaluate ${folder} --data DATA.yaml`,
    `      stampede predict ${folder} --data DATA.yaml --out predictions.csv`,
  ];
}

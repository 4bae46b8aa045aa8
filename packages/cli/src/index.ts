export { checkNode, type Check } from "./commands/doctor.js";
export { Silence, silenceLines, type Verdict } from "./commands/silence.js";
export { redirectConsole } from "./console.js";
export { exitCode, type ExitCode } from "./exit-code.js";
export { colorsFor, speaksUnicode, voiceFor, type Colors, type Host, type Output, type Voice } from "./host.js";
export { listenForInterrupt, type Interruption } from "./interruption.js";
export { LifeListener } from "./listen-for-life.js";
export { readDataFile } from "./input/data-file.js";
export { parseJobFile, readJobFile } from "./input/job-file.js";
export { modelSource } from "./input/model-module.js";
export { applyOverrides, parseOverride, type Override } from "./input/overrides.js";
export { parseYaml, readYaml, type YamlSource } from "./input/yaml-source.js";
export {
  applyEvent,
  stageProgress,
  startView,
  taskProgress,
  timeLeft,
  type ExecutorView,
  type JobView,
  type RoundView,
} from "./present/job-view.js";
export { garbageLines } from "./present/garbage.js";
export { jobLife, jobTable } from "./present/jobs.js";
export { limitsLine } from "./present/limits.js";
export { closingLines, liveLines, type Frame } from "./present/live.js";
export { logLines, plainLines } from "./present/plain.js";
export { makePresenter, type Presenter, type PresenterOptions } from "./present/presenter.js";
export { Screen } from "./present/screen.js";
export { evaluateSummary, predictSummary, trainSummary, type ValidationName } from "./present/summary.js";
export {
  columnsOf,
  count,
  cut,
  duration,
  limit,
  metric,
  metrics,
  printable,
  shellWord,
  table,
} from "./present/text.js";
export { runCommandLine } from "./program.js";

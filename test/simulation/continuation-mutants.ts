import { edit, type Mutant } from "./mutant.js";

/** What goes wrong with work that is cut into several invocations. */
export const continuation: readonly Mutant[] = [
  {
    name: "a task that is continued counts as failed",
    edits: [
      edit(
        "core/dist/job-machine/judge.js",
        'why: "continued", failures: task.failures }',
        'why: "continued", failures: task.failures + 1 }',
      ),
    ],
    breaks: ["attempts-have-a-cause"],
  },
  {
    name: "a task goes on a batch before its checkpoint",
    edits: [
      edit(
        "training/dist/executor/train-task.js",
        "let done = progress.sum.batches;",
        "let done = Math.max(0, progress.sum.batches - 1);",
      ),
    ],
    // The parameter server refuses more examples than there are.
    breaks: ["same-bits", "each-counts-once", "jobs-fail-for-a-reason"],
  },
  {
    name: "a task goes on without its optimizer's state",
    edits: [
      edit(
        "training/dist/executor/train-task.js",
        "session.load(from.weights, orFresh(from.optimizer))",
        "session.load(from.weights)",
      ),
    ],
    breaks: ["same-bits"],
  },
  {
    name: "a task that goes on forgets the metrics of the batches before",
    edits: [
      edit(
        "training/dist/executor/train-progress.js",
        "this.#sum = { examples, batches, metrics };\n        context",
        "this.#sum = { examples, batches, metrics: {} };\n        context",
      ),
    ],
    breaks: ["same-bits"],
  },
  {
    name: "a task that goes on forgets that it has validated",
    edits: [
      edit(
        "training/dist/executor/train-task.js",
        "await validateBase(context, session) : from.record.validation",
        "await validateBase(context, session) : undefined",
      ),
    ],
    breaks: ["same-bits"],
  },
  {
    name: "a task that has made no progress is continued",
    edits: [
      edit("training/dist/executor/train-task.js", " || progress.sum.batches <= begunWith)", ")"),
      edit("core/dist/job-machine/signs-of-life.js", "other.batches < reached", "true"),
    ],
    breaks: ["attempts-have-a-cause", "costs-are-bounded"],
    kinds: ["slow", "answered-late"],
  },
  {
    name: "an executor works until it is ended by its platform",
    edits: [edit("training/dist/executor/task-context.js", "if (!limit.hasTimeFor(expectedMs))", "if (false)")],
    breaks: ["failures-have-a-cause"],
  },
];

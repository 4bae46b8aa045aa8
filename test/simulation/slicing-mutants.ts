import { edit, type Mutant } from "./mutant.js";

/** What goes wrong with what a parameter server knows, and with rounds that several of them average. */
export const slicing: readonly Mutant[] = [
  {
    name: "a round that several functions average goes on before all of a level is there",
    edits: [edit("training/dist/parameter-server/reduction/climb.js", "if (!isComplete)", "if (false)")],
    breaks: ["jobs-fail-for-a-reason"],
  },
  {
    name: "the sums of a group are planned before all of its deltas are there",
    edits: [
      edit(
        "training/dist/parameter-server/reduction/advance.js",
        "if (!isAsked || !(await isThere(partitions)))",
        "if (!isAsked)",
      ),
    ],
    breaks: ["jobs-fail-for-a-reason", "each-counts-once"],
  },
  {
    name: "an order whose message died is given to nobody",
    edits: [edit("training/dist/parameter-server/reduction/advance.js", "if (isAsked && isStalled)", "if (false)")],
    breaks: ["ends", "costs-are-bounded"],
  },
  {
    name: "in parts all executors count alike",
    edits: [
      edit(
        "training/dist/parameter-server/reduction/make-sum.js",
        "weights.add(counted, weight, key);",
        "weights.add(counted, 1, key);",
      ),
    ],
    breaks: ["same-bits"],
  },
  {
    name: "the optimizer's state is not averaged in parts",
    edits: [
      edit(
        "training/dist/parameter-server/reduction/make-group-plan.js",
        'if (training.optimizerState !== "averaged")',
        "if (true)",
      ),
    ],
    breaks: ["same-bits"],
  },
  {
    name: "the sum of the second group does not count",
    edits: [edit("training/dist/parameter-server/reduction/make-mean.js", "add(second);", "")],
    breaks: ["weighted-mean", "same-bits"],
  },
];

import { edit, type Mutant } from "./mutant.js";

/** What goes wrong with what a parameter server knows, and with rounds that several of them average. */
export const slicing: readonly Mutant[] = [
  {
    name: "a round in slices ends before all of them are there",
    edits: [
      edit(
        "training/dist/parameter-server/sight.js",
        "return this.#slices.size >= slices;",
        "return this.#slices.size >= slices - 1;",
      ),
    ],
    breaks: ["jobs-fail-for-a-reason"],
  },
  {
    name: "the slices of a round are planned before all of its deltas are there",
    edits: [
      edit(
        "training/dist/parameter-server/sliced-round.js",
        "if (!members.every((partition) => sight.deltas.has(partition)))",
        "if (!members.some((partition) => sight.deltas.has(partition)))",
      ),
    ],
    breaks: ["jobs-fail-for-a-reason", "each-counts-once"],
  },
  {
    name: "a slice whose message died is handed out to nobody",
    edits: [edit("training/dist/parameter-server/sliced-round.js", "if (isDue)", "if (false)")],
    breaks: ["ends", "costs-are-bounded"],
  },
  {
    name: "in slices all executors count alike",
    edits: [
      edit(
        "training/dist/parameter-server/average-slice.js",
        "weights.add(own, weight, key);",
        "weights.add(own, 1, key);",
      ),
    ],
    breaks: ["same-bits"],
  },
  {
    name: "the optimizer's state is not averaged in slices",
    edits: [
      edit(
        "training/dist/parameter-server/make-slice-plan.js",
        'if (training.optimizerState !== "averaged")',
        "if (true)",
      ),
    ],
    breaks: ["same-bits"],
  },
];

import { continuation } from "./continuation-mutants.js";
import { edit, type Mutant } from "./mutant.js";
import { slicing } from "./slicing-mutants.js";

/** What goes wrong with counting, averaging and bits. */
const arithmetic: readonly Mutant[] = [
  {
    name: "deltas are added in the order in which they are read",
    edits: [
      edit(
        "training/dist/in-order.js",
        "const first = pending.shift();",
        "const won = await Promise.race(pending.map((each, at) => each.then(() => at, () => at))); const [first] = pending.splice(won, 1);",
      ),
    ],
    breaks: ["each-counts-once", "same-bits"],
  },
  {
    name: "a parameter server that goes on adds everything once more",
    edits: [edit("training/dist/parameter-server/round-sum.js", "this.#groups.get(group)?.records.length ?? 0", "0")],
    breaks: ["each-counts-once"],
  },
  {
    name: "a round ends before all of its deltas are there",
    edits: [
      edit(
        "training/dist/parameter-server/round-sum.js",
        "if (!isComplete)\n            return false;\n        const total",
        "const total",
      ),
    ],
    breaks: ["each-counts-once"],
  },
  {
    name: "late deltas count although they are to be discarded",
    edits: [edit("training/dist/parameter-server/round-plan.js", 'lateDeltas === "merge" && round > 1', "round > 1")],
    breaks: ["each-counts-once"],
  },
  {
    name: "a delta that counted already counts as late",
    edits: [edit("training/dist/parameter-server/round-plan.js", ".filter((partition) => !known.has(partition))", "")],
    breaks: ["each-counts-once"],
  },
  {
    name: "damaged deltas are averaged",
    edits: [edit("core/dist/codec/tensor-records.js", "    checkSeal(bytes, sealedOpening(bytes), key);", "")],
    kinds: ["decays"],
    // A wrong bit may also lie in a name.
    breaks: ["same-bits", "jobs-fail-for-a-reason"],
  },
  {
    name: "weights that are no numbers are committed",
    edits: [edit("training/dist/executor/train-output.js", "if (!Number.isFinite(norm))", "if (false)")],
    // Its record cannot even be written.
    breaks: ["failures-have-a-cause"],
  },
  {
    name: "a retry shuffles differently",
    edits: [
      edit(
        "training/dist/executor/train-task.js",
        'deriveKey(seed, "order", epoch, partition)',
        'deriveKey(seed, "order", epoch + task.attempt - 1, partition)',
      ),
    ],
    breaks: ["same-bits"],
  },
  {
    name: "the optimizer goes on from the round before the last one",
    edits: [
      edit(
        "training/dist/executor/optimizer-state.js",
        "let round = stage.round - 1; round > 0",
        "let round = stage.round - 2; round > 0",
      ),
    ],
    breaks: ["same-bits"],
  },
  {
    name: "a warm executor takes another partition's optimizer for its own",
    edits: [edit("training/dist/executor/residents.js", " || known.partition !== partition)", ")")],
    breaks: ["same-bits"],
  },
];

/** What goes wrong with commits. */
const commits: readonly Mutant[] = [
  {
    name: "a store that creates what is there",
    edits: [
      edit("testing/dist/memory-object-store.js", 'this.#objects.has(key) ? "conflict" : this.#put', "this.#put"),
    ],
    breaks: ["immutable", "linearizable"],
  },
  {
    name: "a store that does not look at etags",
    edits: [edit("testing/dist/memory-object-store.js", "current?.etag === etag", "current !== undefined")],
    breaks: ["immutable", "linearizable"],
  },
  {
    name: "a driver that takes every conflict for a defeat",
    edits: [
      edit(
        "training/dist/store/job-store.js",
        'return (await readHead(store, job))?.head.token === token ? "committed" : "conflict";',
        'return "conflict";',
      ),
    ],
    breaks: ["drivers-cost-no-attempt", "attempts-have-a-cause", "costs-are-bounded"],
    kinds: ["conflict-with-itself"],
  },
  {
    name: "a driver that takes every conflict for a victory",
    edits: [
      edit(
        "training/dist/store/job-store.js",
        'return (await readHead(store, job))?.head.token === token ? "committed" : "conflict";',
        'return "committed";',
      ),
    ],
    breaks: ["commit-before-act"],
  },
  {
    name: "an adapter that answers 409 as if the object were there, and nobody looks",
    edits: [
      edit(
        "testing/dist/faults/faulty-object-store.js",
        'return Promise.reject(unavailable(operation, "it met another one, again and again"));',
        'return Promise.resolve("conflict");',
      ),
      edit("training/dist/store/commit.js", "if ((await store.head(key)) === undefined)", "if (false)"),
    ],
    breaks: ["something-to-show", "linearizable", "ends", "immutable"],
  },
  {
    name: "the last end of a job wins",
    edits: [
      edit(
        "training/dist/store/job-store.js",
        "await createAny(store, keys.result(job), encodeRecord(JobResult, result));",
        'const name = keys.result(job); const body = encodeRecord(JobResult, result); if ((await store.create(name, body)) === "conflict") await store.replace(name, body, (await store.head(name))?.etag ?? "");',
      ),
    ],
    breaks: ["immutable"],
  },
];

/** What goes wrong with noticing, retrying and stopping. */
const vigilance: readonly Mutant[] = [
  {
    name: "a sweeper that wakes nobody",
    edits: [edit("training/dist/driver/sweep.js", "await queues.driver.send(encodeMessage(DriverMessage, look));", "")],
    breaks: ["ends"],
  },
  {
    name: "a redelivered message is taken for a new one",
    edits: [edit("training/dist/driver/driver.js", "redelivered: hint.redelivered,", "redelivered: false,")],
    breaks: ["drivers-cost-no-attempt"],
  },
  {
    name: "a failure of one attempt counts for the next one",
    edits: [
      edit(
        "core/dist/job-machine/signs-of-life.js",
        "({ partition, attempt }) => `${partition}:${attempt}`",
        "({ partition }) => `${partition}`",
      ),
    ],
    breaks: ["attempts-have-a-cause"],
  },
  {
    name: "deadlines are not looked at",
    edits: [edit("core/dist/job-machine/judge.js", "if (now < deadlineAt)", "if (true)")],
    breaks: ["ends", "costs-are-bounded"],
  },
  {
    name: "silent executors are waited for",
    edits: [
      edit("core/dist/job-machine/judge.js", "if (sign === undefined || now < silentAt(spec, sign))", "if (true)"),
    ],
    breaks: ["costs-are-bounded"],
  },
  {
    name: "a backup counts as a failure",
    edits: [
      edit(
        "core/dist/job-machine/tasks.js",
        '{ why: "slow", failures: task.failures }',
        '{ why: "slow", failures: task.failures + 1 }',
      ),
    ],
    breaks: ["attempts-have-a-cause"],
  },
  {
    name: "what was lost with the machine counts as a failure",
    edits: [
      edit(
        "core/dist/job-machine/judge.js",
        'why: "machine-gone", failures: task.failures }',
        'why: "machine-gone", failures: task.failures + 1 }',
      ),
    ],
    breaks: ["attempts-have-a-cause"],
  },
  {
    name: "attempts are not capped",
    edits: [edit("core/dist/job-machine/judge.js", "if (failures < maxAttempts)", "if (true)")],
    breaks: ["attempts-are-capped", "ends"],
  },
  {
    name: "nobody is told of a damaged delta",
    edits: [edit("training/dist/parameter-server/parameter-server.js", "await reportDamage(job, error, deps);", ";")],
    breaks: ["ends", "costs-are-bounded"],
  },
  {
    name: "executors work on after a cancel",
    edits: [
      edit(
        "training/dist/executor/task-context.js",
        "if ((await exists(store, keys.cancel(job))) || (await exists(store, keys.result(job))))",
        "if (false)",
      ),
    ],
    kinds: ["straggles"],
    breaks: ["stops-when-ended"],
  },
  {
    name: "a driver that starts executors of a job that has ended",
    edits: [edit("core/dist/job-machine/decide.js", "if (facts.ended)", "if (false)")],
    breaks: ["quiet-after-the-end", "immutable", "ends", "costs-are-bounded"],
  },
  {
    name: "a task that failed for good buries nothing",
    edits: [
      edit(
        "training/dist/driver/carry-out.js",
        "await createAny(store, keys.deadLetter(job), encodeRecord(DeadLetterRecord, record));",
        ";",
      ),
    ],
    breaks: ["jobs-fail-for-a-reason"],
  },
];

/** Bugs that the simulator found, planted again. */
const relapses: readonly Mutant[] = [
  {
    name: "relapse: a clock that is set back makes a timer longer than a queue can wait",
    edits: [
      edit(
        "training/dist/driver/carry-out.js",
        "Math.min(maxTimerMs, Math.max(0, action.at - clock.now()))",
        "Math.max(0, action.at - clock.now())",
      ),
    ],
    breaks: ["jobs-fail-for-a-reason"],
  },
  {
    name: "relapse: a delta that is damaged after its round was closed is asked for, and reported, for ever",
    edits: [
      edit(
        "core/dist/job-machine/decide.js",
        "!membersOf(facts).every(",
        "facts.closed === undefined && !membersOf(facts).every(",
      ),
    ],
    kinds: ["decays", "unanswered", "freezes", "straggles"],
    breaks: ["ends", "costs-are-bounded"],
  },
  {
    name: "relapse: an attempt that failed after its commit hides that its output is damaged",
    edits: [edit("training/dist/driver/driver.js", "await commitDamage(store, {", "await commitFailure(store, {")],
    kinds: ["decays", "unanswered", "dies-after"],
    breaks: ["ends", "costs-are-bounded"],
  },
  {
    name: "relapse: a read of a header's length that was torn is not repeated",
    edits: [edit("training/dist/store/headers.js", "if (isDamage(error))", "if (false)")],
    kinds: ["bit-flipped"],
    breaks: ["jobs-fail-for-a-reason"],
  },
  {
    name: "relapse: a wrong bit in the header of a round ends in the job's result",
    edits: [edit("core/dist/codec/tensor-records.js", "seal !== undefined && seal !== crc32Hex(text)", "false")],
    kinds: ["bit-flipped"],
    breaks: ["same-bits", "jobs-fail-for-a-reason"],
  },
  {
    name: "relapse: a driver whose clock is behind cannot write a head",
    edits: [
      edit("core/dist/job-machine/tasks.js", "Math.max(0, now - head.stageStartedAt)", "now - head.stageStartedAt"),
    ],
    breaks: ["functions-fail-for-a-reason"],
  },
  {
    name: "relapse: the dead letter names another reason than the result",
    edits: [
      edit(
        "training/dist/driver/carry-out.js",
        "return (await readDeadLetter(store, job))?.error ?? task.error;",
        "return task.error;",
      ),
    ],
    kinds: ["dies-before", "dies-after", "refused"],
    breaks: ["jobs-fail-for-a-reason"],
  },
  {
    name: "relapse: one job's damaged head stops the sweeper",
    edits: [edit("training/dist/driver/sweep.js", "if (isDamage(error))", "if (false)")],
    breaks: ["functions-fail-for-a-reason"],
  },
  {
    name: "relapse: one torn read makes of a submission that succeeded one that exists already",
    edits: [
      edit(
        "training/dist/store/commit.js",
        "(await holds(store, key, body)) || (await holds(store, key, body))",
        "(await holds(store, key, body))",
      ),
    ],
    kinds: ["conflict-with-itself", "bit-flipped", "truncated"],
    breaks: ["functions-fail-for-a-reason"],
  },
  {
    name: "relapse: an attempt whose clock is behind stands in its own way",
    edits: [edit("core/dist/job-machine/signs-of-life.js", "other.attempt === attempt.attempt || ", "")],
    kinds: ["jumps"],
    breaks: ["attempts-have-a-cause"],
  },
];

/** Every planted bug. */
export const mutants: readonly Mutant[] = [
  ...arithmetic,
  ...slicing,
  ...commits,
  ...vigilance,
  ...continuation,
  ...relapses,
];

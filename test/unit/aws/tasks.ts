import { parseJobId, type TaskMessage } from "@stampede/core";

export const aTask: TaskMessage = {
  version: 1,
  job: parseJobId("mnist-20261128-180000-abcdef"),
  stage: { kind: "train", round: 3 },
  partition: 7,
  attempt: 2,
  attemptId: "0123456789abcdef",
  startedAt: 1_000_000,
  deadlineAt: 1_600_000,
  frugal: false,
  platform: "batch",
};

